/* end_to_end.c - one contestant of the end-to-end benchmark: whole UL iterations through the public interface.
 *
 * Usage: bench_end_to_end DATA START SIZES ACTIVATION METHOD K THREADS
 *   DATA        folder with train.npy, train_labels.npy, validation.npy, validation_labels.npy
 *   START       folder with x.npy (N) and z.npy (m), the point at which every timed iteration begins
 *   SIZES       features, hidden layers, classes: 784,300,10
 *   ACTIVATION  none, relu or tanh
 *   METHOD      iaptt-gm or rhg
 *   K, THREADS  LL steps; CPU threads
 *
 * It answers each command line of standard input with one line of JSON:
 *   check FOLDER    the first UL iteration's F at y_0 .. y_K, gx and gz as F.npy, gx.npy, gz.npy
 *   time COUNT      seconds and kbar of COUNT UL iterations, each from START
 *   advance COUNT FOLDER    runs on for COUNT UL iterations; x.npy and z.npy of where they lead
 *   quit            peak resident memory of the process */
#include <ait/ait.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_LAYERS = 8, MAX_COUNT = 1000, MAX_STEPS = 1000000, MAX_THREADS = 4096, PATH_LENGTH = 4096 };

/* The settings of the authors' script. */
static const double ll_rate = 0.03, ul_rate = 0.01, init_rate = 0.03;

typedef struct contest {
  ait_context *context;
  ait_matrix *train, *train_labels, *validation, *validation_labels, *x, *z;
  int64_t sizes[MAX_LAYERS + 1];
  ait_network network;
  ait_problem *problem;
  ait_solver_options options;
  ait_solver *solver;
} contest;

static double clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- errors and numbers --------------------------------------------------------------------------------- */

static char complaint[PATH_LENGTH]; /* what is wrong with the input, where the library has not said it */

__attribute__((format(printf, 1, 2))) static ait_status refuse(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(complaint, sizeof complaint, format, arguments);
  va_end(arguments);
  return AIT_INVALID_ARGUMENT;
}

static const char *sentence(ait_status status) {
  if (*complaint != '\0') {
    return complaint;
  }
  return *ait_last_error() != '\0' ? ait_last_error() : ait_status_text(status);
}

static ait_status read_number(const char *name, const char *text, int64_t least, int64_t most, int64_t *value) {
  char *end = NULL;
  const long long number = strtoll(text, &end, 10); /* what does not fit becomes the type's limit */
  if (!isdigit((unsigned char)*text) || *end != '\0' || number < least || number > most) {
    return refuse("%s is '%s'; expected a whole number, %lld to %lld", name, text, (long long)least, (long long)most);
  }
  *value = number;
  return AIT_OK;
}

/* ---- files --------------------------------------------------------------------------------------------- */

static ait_status open_file(const char *folder, const char *name, ait_matrix **matrix) {
  char path[PATH_LENGTH];
  snprintf(path, sizeof path, "%s/%s.npy", folder, name);
  return ait_matrix_open_npy(path, matrix);
}

static ait_status write_values(const char *folder, const char *name, int64_t count, const ait_real *values) {
  char path[PATH_LENGTH];
  ait_matrix *view = NULL;
  ait_type type = sizeof(ait_real) == 4 ? AIT_F32 : AIT_F64;
  snprintf(path, sizeof path, "%s/%s.npy", folder, name);
  ait_status status = ait_matrix_view(type, count, 1, 1, values, &view);
  status = status != AIT_OK ? status : ait_matrix_write_npy(view, 1, path);
  ait_matrix_destroy(view);
  return status;
}

/* Pixels are u8 and mean stored / 255; other types mean what they store. */
static ait_status scale_pixels(ait_matrix *matrix) {
  if (ait_matrix_type(matrix) != AIT_U8) {
    return AIT_OK;
  }
  int64_t columns = ait_matrix_columns(matrix);
  double *scale = malloc((size_t)columns * sizeof *scale);
  if (scale == NULL) {
    return AIT_OUT_OF_MEMORY;
  }
  for (int64_t j = 0; j < columns; j++) {
    scale[j] = 1.0 / 255;
  }
  ait_status status = ait_matrix_set_scale(matrix, scale, NULL);
  free(scale);
  return status;
}

static ait_status open_files(contest *c, const char *data, const char *start) {
  ait_status status = open_file(data, "train", &c->train);
  status = status != AIT_OK ? status : open_file(data, "train_labels", &c->train_labels);
  status = status != AIT_OK ? status : open_file(data, "validation", &c->validation);
  status = status != AIT_OK ? status : open_file(data, "validation_labels", &c->validation_labels);
  status = status != AIT_OK ? status : open_file(start, "x", &c->x);
  status = status != AIT_OK ? status : open_file(start, "z", &c->z);
  status = status != AIT_OK ? status : scale_pixels(c->train);
  return status != AIT_OK ? status : scale_pixels(c->validation);
}

/* ---- problem and solver -------------------------------------------------------------------------------- */

/* Nonzero where `text` is a list of 2 to MAX_LAYERS + 1 sizes, digits and commas alone. */
static int read_sizes(const char *text, contest *c) {
  enum { LARGEST_SIZE = 1 << 20 };
  int count = 0;
  char *end = NULL;
  for (const char *at = text; count <= MAX_LAYERS; at = end + 1) {
    const long long size = isdigit((unsigned char)*at) ? strtoll(at, &end, 10) : 0;
    if (size < 1 || size > LARGEST_SIZE) {
      return 0;
    }
    c->sizes[count++] = size;
    if (*end != ',') {
      break;
    }
  }
  c->network.layers = count - 1;
  c->network.sizes = c->sizes;
  return *end == '\0' && count >= 2;
}

static int read_activation(const char *text, ait_activation *activation) {
  static const char *const names[] = {"none", "relu", "tanh"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(text, names[i]) == 0) {
      *activation = (ait_activation)i;
      return 1;
    }
  }
  return 0;
}

/* Nonzero where a file is one column of so many values. */
static int is_vector(const ait_matrix *matrix, ait_type type, int64_t rows) {
  return ait_matrix_type(matrix) == type && ait_matrix_rows(matrix) == rows && ait_matrix_columns(matrix) == 1;
}

/* Files that do not fit the network are refused here, for the library takes their contents on trust. */
static int files_fit(const contest *c) {
  int64_t rows = ait_matrix_rows(c->train), validation_rows = ait_matrix_rows(c->validation);
  return ait_matrix_columns(c->train) == c->sizes[0] && ait_matrix_columns(c->validation) == c->sizes[0] &&
         is_vector(c->train_labels, AIT_I32, rows) && is_vector(c->validation_labels, AIT_I32, validation_rows) &&
         is_vector(c->x, AIT_F32, rows) && is_vector(c->z, AIT_F32, ait_network_parameters(&c->network));
}

static ait_status create_problem(contest *c, int32_t threads) {
  ait_context_options options;
  ait_context_options_init(&options);
  options.device = "cpu";
  options.threads = threads;
  ait_status status = ait_context_create(&options, &c->context);
  const ait_cleaning_entry entry = {.train = c->train,
                                    .train_labels = ait_matrix_data(c->train_labels),
                                    .validation = c->validation,
                                    .validation_labels = ait_matrix_data(c->validation_labels)};
  return status != AIT_OK ? status : ait_problem_create_cleaning(c->context, &c->network, 1, &entry, &c->problem);
}

static ait_status create_solver(const contest *c, int32_t record_trajectory, ait_solver **solver) {
  ait_solver_options options = c->options;
  options.record_trajectory = record_trajectory;
  return ait_solver_create(c->problem, &options, ait_matrix_data(c->x), ait_matrix_data(c->z), solver);
}

static ait_status prepare(contest *c, const char *method, int64_t ll_steps, int32_t threads) {
  ait_solver_options_init(&c->options);
  c->options.ll_steps = ll_steps;
  c->options.ll_rate.rate = ll_rate;
  c->options.ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  c->options.ul_optimizer.rate.rate = ul_rate;
  c->options.init_optimizer.rate.rate = init_rate;
  ait_status status = ait_method_by_name(method, &c->options.method);
  status = status != AIT_OK ? status : create_problem(c, threads);
  return status != AIT_OK ? status : create_solver(c, 0, &c->solver);
}

static void release(contest *c) {
  ait_solver_destroy(c->solver);
  ait_problem_destroy(c->problem);
  ait_context_destroy(c->context);
  ait_matrix_destroy(c->train);
  ait_matrix_destroy(c->train_labels);
  ait_matrix_destroy(c->validation);
  ait_matrix_destroy(c->validation_labels);
  ait_matrix_destroy(c->x);
  ait_matrix_destroy(c->z);
}

/* ---- commands ------------------------------------------------------------------------------------------ */

static ait_status back_to_start(contest *c) {
  ait_status status = ait_solver_set_x(c->solver, ait_matrix_data(c->x));
  return status != AIT_OK ? status : ait_solver_set_z(c->solver, ait_matrix_data(c->z));
}

/* Writes a vector of the solver, read by `get`. */
static ait_status write_state(ait_solver *solver, ait_status (*get)(ait_solver *, ait_real *), const char *folder,
                              const char *name, int64_t count) {
  ait_real *values = malloc((size_t)count * sizeof *values);
  if (values == NULL) {
    return AIT_OUT_OF_MEMORY;
  }
  ait_status status = get(solver, values);
  status = status != AIT_OK ? status : write_values(folder, name, count, values);
  free(values);
  return status;
}

/* F at every state comes from a solver that records it; the hyper-gradient from the one that is timed. */
static ait_status check(contest *c, const char *folder) {
  ait_solver *recorder = NULL;
  ait_status status = create_solver(c, 1, &recorder);
  status = status != AIT_OK ? status : ait_solver_rollout(recorder);
  status =
      status != AIT_OK ? status : write_values(folder, "F", c->options.ll_steps + 1, ait_solver_trajectory_F(recorder));
  ait_solver_destroy(recorder);
  status = status != AIT_OK ? status : back_to_start(c);
  status = status != AIT_OK ? status : ait_solver_hypergradient(c->solver);
  status =
      status != AIT_OK ? status : write_state(c->solver, ait_solver_get_gx, folder, "gx", ait_problem_n(c->problem));
  status =
      status != AIT_OK ? status : write_state(c->solver, ait_solver_get_gz, folder, "gz", ait_problem_m(c->problem));
  if (status == AIT_OK) {
    printf("{\"kbar\": %d}\n", ait_solver_kbar(c->solver)[0]);
  }
  return status;
}

static ait_status time_iterations(contest *c, int64_t count) {
  static double seconds[MAX_COUNT];
  for (int64_t i = 0; i < count; i++) {
    ait_status status = back_to_start(c);
    double began = clock_seconds();
    status = status != AIT_OK ? status : ait_solver_step(c->solver);
    seconds[i] = clock_seconds() - began;
    if (status != AIT_OK) {
      return status;
    }
  }
  printf("{\"kbar\": %d, \"seconds\": [", ait_solver_kbar(c->solver)[0]);
  for (int64_t i = 0; i < count; i++) {
    printf("%s%.9f", i > 0 ? ", " : "", seconds[i]);
  }
  printf("]}\n");
  return AIT_OK;
}

static ait_status advance(contest *c, int64_t count, const char *folder) {
  ait_status status = back_to_start(c);
  for (int64_t i = 0; i < count && status == AIT_OK; i++) {
    status = ait_solver_step(c->solver);
  }
  status = status != AIT_OK ? status : write_state(c->solver, ait_solver_get_x, folder, "x", ait_problem_n(c->problem));
  status = status != AIT_OK ? status : write_state(c->solver, ait_solver_get_z, folder, "z", ait_problem_m(c->problem));
  if (status == AIT_OK) {
    printf("{\"kbar\": %d}\n", ait_solver_kbar(c->solver)[0]);
  }
  return status;
}

/* Peak resident bytes of this process (Linux), or 0 where they cannot be read. */
static long long peak_bytes(void) {
  char line[256];
  long long kilobytes = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "VmHWM: %lld kB", &kilobytes) == 1) {
      break;
    }
  }
  if (file != NULL) {
    fclose(file);
  }
  return 1024 * kilobytes;
}

static ait_status answer(contest *c, char *line) {
  static const char gap[] = " \n";
  char *word = strtok(line, gap), *first = strtok(NULL, gap), *second = strtok(NULL, gap);
  int64_t count = 0;
  if (word != NULL && strcmp(word, "check") == 0 && first != NULL && second == NULL) {
    return check(c, first);
  }
  if (word != NULL && strcmp(word, "time") == 0 && first != NULL && second == NULL) {
    ait_status status = read_number("time's COUNT", first, 1, MAX_COUNT, &count);
    return status != AIT_OK ? status : time_iterations(c, count);
  }
  if (word != NULL && strcmp(word, "advance") == 0 && second != NULL) {
    ait_status status = read_number("advance's COUNT", first, 1, MAX_STEPS, &count);
    return status != AIT_OK ? status : advance(c, count, second);
  }
  return refuse("unknown command; expected check FOLDER, time COUNT, advance COUNT FOLDER or quit");
}

static ait_status serve(contest *c) {
  char line[PATH_LENGTH];
  printf("{\"ready\": true, \"description\": \"%s\"}\n", ait_context_description(c->context));
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "quit", 4) != 0) {
    ait_status status = answer(c, line);
    if (status != AIT_OK) {
      return status;
    }
    fflush(stdout);
  }
  printf("{\"peak_bytes\": %lld}\n", peak_bytes());
  return AIT_OK;
}

int main(int argc, char **argv) {
  contest c = {0};
  int64_t ll_steps = 0, threads = 0;
  if (argc != 8 || !read_sizes(argv[3], &c) || !read_activation(argv[4], &c.network.activation)) {
    fprintf(stderr, "Usage: bench_end_to_end DATA START SIZES none|relu|tanh iaptt-gm|rhg K THREADS\n");
    return 2;
  }
  ait_status status = read_number("K", argv[6], 1, MAX_STEPS, &ll_steps);
  status = status != AIT_OK ? status : read_number("THREADS", argv[7], 0, MAX_THREADS, &threads);
  status = status != AIT_OK ? status : open_files(&c, argv[1], argv[2]);
  if (status == AIT_OK && !files_fit(&c)) {
    status = refuse("the files of %s and %s do not fit sizes %s", argv[1], argv[2], argv[3]);
  }
  status = status != AIT_OK ? status : prepare(&c, argv[5], ll_steps, (int32_t)threads);
  status = status != AIT_OK ? status : serve(&c);
  if (status != AIT_OK) {
    fprintf(stderr, "bench_end_to_end: %s\n", sentence(status));
  }
  release(&c);
  return status != AIT_OK;
}
