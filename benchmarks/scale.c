/* scale.c - time and memory of UL iterations of linear hyper-cleaning against the number of rows.
 *
 * Makes synthetic 8-bit rows, of which every class has a pattern of its own and 30 % of the training labels are
 * wrong, either in memory or, with --file, in an .npy file that is then mapped: the library reads the rows where
 * they are and keeps no second copy. Prints one JSON object:
 *     iteration_seconds   of every UL iteration (rollout, truncation, reverse sweep, update), with its kbar
 *     rollout_seconds     of the K LL steps alone, with F at every step where the method needs it, as many times
 *     ..._cpu_seconds     what all threads together ran meanwhile (with OMP_WAIT_POLICY=passive; a thread that waits
 *                         by spinning runs too): where it is well below threads times the seconds, other processes
 *                         had the processors
 *     read_bytes_per_second   at which this machine read all training rows before and after: what rows that are
 *                         larger than the caches are bound by
 *     resident bytes      of the process before the problem is made (the data, after all of them were touched), and
 *                         how many more at the peak: what the library needs beyond the data
 * A peak cannot be taken back, so every number of rows is a process of its own. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ait/ait.h"
#include "context/error.h"
#include "roofline.h"

enum { LABELS_WRONG_PERCENT = 30, HEADER_BYTES = 128, CHUNK_ROWS = 4096, MOST_ITERATIONS = 1000 };

typedef struct settings {
  int64_t rows, columns, classes, validation, steps, iterations;
  const char *method, *file;
} settings;

/* Rows and labels of one set. */
typedef struct rows {
  int64_t count;
  uint8_t *pixels; /* NULL where a file holds them */
  int32_t *labels;
  ait_matrix *matrix;
} rows;

/* ---- synthetic rows -------------------------------------------------------------------------- */

/* A number that looks random, of a counter (the finaliser of SplitMix64: Steele, Lea and Flood, 2014). */
static uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static int32_t class_of(uint64_t row, int64_t classes) {
  return (int32_t)(mix(row) % (uint64_t)classes);
}

/* The label that is given to a row: with `wrong_percent` likelihood that of another class. */
static int32_t label_of(uint64_t row, int64_t classes, uint64_t wrong_percent) {
  const uint64_t draw = mix(row ^ (uint64_t)1 << 62);
  const int32_t own = class_of(row, classes);
  if (draw % 100 >= wrong_percent) {
    return own;
  }
  return (int32_t)((own + 1 + (int64_t)(draw / 100 % (uint64_t)(classes - 1))) % classes);
}

/* Half of a class's pixels are 0, the others bright by their place; noise dims them. */
static void make_row(uint64_t row, const settings *s, uint8_t *pixels) {
  const uint64_t own = (uint64_t)class_of(row, s->classes) * (uint64_t)s->columns;
  for (int64_t j = 0; j < s->columns; j += 8) {
    uint64_t pattern = mix(1 + own + (uint64_t)j), noise = mix(row * (uint64_t)s->columns + (uint64_t)j);
    for (int64_t k = j; k < s->columns && k < j + 8; k++, pattern >>= 8, noise >>= 8) {
      const unsigned bright = pattern & 128 ? 128 + (pattern & 127) : 0;
      pixels[k] = (uint8_t)(bright * (noise & 255) / 256);
    }
  }
}

static void make_rows(uint64_t first, int64_t count, const settings *s, uint8_t *pixels) {
#pragma omp parallel for
  for (int64_t i = 0; i < count; i++) {
    make_row(first + (uint64_t)i, s, pixels + i * s->columns);
  }
}

static ait_status allocate(size_t bytes, void **memory) {
  *memory = malloc(bytes);
  return *memory != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "no memory for %zu bytes", bytes);
}

static ait_status make_labels(uint64_t first, const settings *s, uint64_t wrong_percent, rows *set) {
  void *memory = NULL;
  AIT_TRY(allocate((size_t)set->count * sizeof *set->labels, &memory));
  set->labels = memory;
  for (int64_t i = 0; i < set->count; i++) {
    set->labels[i] = label_of(first + (uint64_t)i, s->classes, wrong_percent);
  }
  return AIT_OK;
}

static ait_status make_in_memory(uint64_t first, const settings *s, rows *set) {
  void *memory = NULL;
  AIT_TRY(allocate((size_t)(set->count * s->columns), &memory));
  set->pixels = memory;
  make_rows(first, set->count, s, set->pixels);
  return ait_matrix_view(AIT_U8, set->count, s->columns, s->columns, set->pixels, &set->matrix);
}

/* An .npy file of version 1.0, written a chunk of rows at a time. */
static ait_status write_file(const settings *s, uint8_t *chunk) {
  FILE *stream = fopen(s->file, "wb");
  if (stream == NULL) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be written", s->file);
  }
  char header[HEADER_BYTES - 10 + 1];
  snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%" PRId64 ", %" PRId64 "), }",
           s->rows, s->columns);
  fprintf(stream, "\x93NUMPY%c%c%c%c%-*s\n", 1, 0, HEADER_BYTES - 10, 0, HEADER_BYTES - 11, header);
  for (int64_t i = 0; i < s->rows; i += CHUNK_ROWS) {
    const int64_t count = s->rows - i < CHUNK_ROWS ? s->rows - i : CHUNK_ROWS;
    make_rows((uint64_t)i, count, s, chunk);
    fwrite(chunk, (size_t)s->columns, (size_t)count, stream);
  }
  const int failed = ferror(stream);
  return fclose(stream) != 0 || failed ? ait_fail(AIT_IO_ERROR, "%s: cannot be written", s->file) : AIT_OK;
}

static ait_status make_in_file(const settings *s, rows *set) {
  void *chunk = NULL;
  AIT_TRY(allocate((size_t)(CHUNK_ROWS * s->columns), &chunk));
  const ait_status status = write_file(s, chunk);
  free(chunk);
  return status != AIT_OK ? status : ait_matrix_open_npy(s->file, &set->matrix);
}

/* Pixels are scaled to 0 .. 1. */
static ait_status scale_pixels(const settings *s, ait_matrix *matrix) {
  void *memory = NULL;
  AIT_TRY(allocate((size_t)s->columns * sizeof(double), &memory));
  double *scale = memory;
  for (int64_t j = 0; j < s->columns; j++) {
    scale[j] = 1.0 / 255;
  }
  const ait_status status = ait_matrix_set_scale(matrix, scale, NULL);
  free(scale);
  return status;
}

/* The training rows come first, those of validation, whose labels are right, after them. */
static ait_status make_data(const settings *s, rows *train, rows *validation) {
  train->count = s->rows;
  validation->count = s->validation;
  AIT_TRY(make_labels(0, s, LABELS_WRONG_PERCENT, train));
  AIT_TRY(make_labels((uint64_t)s->rows, s, 0, validation));
  AIT_TRY(s->file != NULL ? make_in_file(s, train) : make_in_memory(0, s, train));
  AIT_TRY(make_in_memory((uint64_t)s->rows, s, validation));
  AIT_TRY(scale_pixels(s, train->matrix));
  return scale_pixels(s, validation->matrix);
}

static void free_rows(rows *set) {
  ait_matrix_destroy(set->matrix);
  free(set->pixels);
  free(set->labels);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* A line of /proc/self/status, in bytes; 0 where there is none. VmRSS: resident now; VmHWM: at most so far. */
static size_t process_bytes(const char *key) {
  char line[256];
  size_t kibibytes = 0;
  FILE *stream = fopen("/proc/self/status", "r");
  while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) {
      sscanf(line + strlen(key), ": %zu", &kibibytes);
    }
  }
  if (stream != NULL) {
    fclose(stream);
  }
  return kibibytes << 10;
}

/* Lets the peak start again from what is resident now (Linux; elsewhere it stays what it was). */
static void forget_peak(void) {
  FILE *stream = fopen("/proc/self/clear_refs", "w");
  if (stream != NULL) {
    fputs("5", stream);
    fclose(stream);
  }
}

/* ---- the run --------------------------------------------------------------------------------- */

/* Times of some repetitions of one thing, by the wall's clock and of all threads. */
typedef struct times {
  double wall[MOST_ITERATIONS], cpu[MOST_ITERATIONS];
} times;

/* What was measured. */
typedef struct results {
  times iterations, rollouts;
  double read_before, read_after;
  int32_t kbar[MOST_ITERATIONS];
  size_t data, before, peak;
} results;

static double clock_seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static ait_status time_one(ait_status (*what)(ait_solver *solver), ait_solver *solver, int64_t i, times *t) {
  t->wall[i] = -clock_seconds(CLOCK_MONOTONIC);
  t->cpu[i] = -clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
  AIT_TRY(what(solver));
  t->wall[i] += clock_seconds(CLOCK_MONOTONIC);
  t->cpu[i] += clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
  return AIT_OK;
}

static double read_rows(const settings *s, const rows *train, int32_t threads) {
  return roof_read(ait_matrix_data(train->matrix), (size_t)(s->rows * s->columns), threads);
}

static ait_status time_solver(const settings *s, ait_solver *solver, results *r) {
  for (int64_t i = 0; i < s->iterations; i++) {
    AIT_TRY(time_one(ait_solver_rollout, solver, i, &r->rollouts));
  }
  for (int64_t i = 0; i < s->iterations; i++) {
    AIT_TRY(time_one(ait_solver_step, solver, i, &r->iterations));
    r->kbar[i] = ait_solver_kbar(solver)[0];
  }
  return AIT_OK;
}

/* The settings of a cleaning run: Adam for x, whose gradient is scaled by N. */
static ait_status make_solver(const settings *s, ait_problem *problem, const ait_network *network,
                              ait_solver **solver) {
  ait_solver_options options;
  ait_solver_options_init(&options);
  AIT_TRY(ait_method_by_name(s->method, &options.method));
  options.ul_iterations = s->iterations;
  options.ll_steps = s->steps;
  options.ll_rate.rate = 0.02; /* below 2 / curvature: rows have squares of about 40 in all */
  options.ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  options.ul_optimizer.gradient_scale = (double)s->rows;
  const int64_t n = ait_problem_n(problem), m = ait_problem_m(problem);
  void *memory = NULL;
  AIT_TRY(allocate((size_t)(n + m) * sizeof(ait_real), &memory));
  ait_real *x = memory, *z = x + n;
  memset(x, 0, (size_t)n * sizeof *x);
  ait_network_initialise(network, 0, z);
  const ait_status status = ait_solver_create(problem, &options, x, z, solver);
  free(memory);
  return status;
}

static ait_status run_problem(const settings *s, ait_context *context, const rows *train, const rows *validation,
                              results *r) {
  const int64_t sizes[] = {s->columns, s->classes};
  const ait_network network = {1, sizes, AIT_ACTIVATION_NONE};
  const ait_cleaning_entry entry = {train->matrix, train->labels, validation->matrix, validation->labels};
  ait_problem *problem = NULL;
  ait_solver *solver = NULL;
  ait_status status = ait_problem_create_cleaning(context, &network, 1, &entry, &problem);
  status = status != AIT_OK ? status : make_solver(s, problem, &network, &solver);
  status = status != AIT_OK ? status : time_solver(s, solver, r);
  ait_solver_destroy(solver);
  ait_problem_destroy(problem);
  return status;
}

static void print_list(const char *name, int64_t count, const double *values) {
  printf("  \"%s\": [", name);
  for (int64_t i = 0; i < count; i++) {
    printf("%s%.6g", i > 0 ? ", " : "", values[i]);
  }
  printf("],\n");
}

static void print_results(const settings *s, const ait_context *context, const results *r) {
  printf("{\n  \"version\": \"%s\", \"description\": \"%s\", \"threads\": %" PRId32 ",\n", ait_version(),
         ait_context_description(context), ait_context_threads(context));
  printf("  \"rows\": %" PRId64 ", \"validation\": %" PRId64 ", \"columns\": %" PRId64 ", \"classes\": %" PRId64
         ", \"type\": \"u8\", \"source\": \"%s\",\n",
         s->rows, s->validation, s->columns, s->classes, s->file != NULL ? "file" : "memory");
  printf("  \"method\": \"%s\", \"ll_steps\": %" PRId64 ",\n  \"kbar\": [", s->method, s->steps);
  for (int64_t i = 0; i < s->iterations; i++) {
    printf("%s%" PRId32, i > 0 ? ", " : "", r->kbar[i]);
  }
  printf("],\n");
  print_list("iteration_seconds", s->iterations, r->iterations.wall);
  print_list("iteration_cpu_seconds", s->iterations, r->iterations.cpu);
  print_list("rollout_seconds", s->iterations, r->rollouts.wall);
  print_list("rollout_cpu_seconds", s->iterations, r->rollouts.cpu);
  printf("  \"read_bytes_per_second\": {\"before\": %.6g, \"after\": %.6g},\n", r->read_before, r->read_after);
  printf("  \"data_bytes\": %zu, \"resident_before_bytes\": %zu, \"peak_resident_bytes\": %zu,\n", r->data, r->before,
         r->peak);
  printf("  \"peak_beyond_data_bytes\": %zu, \"beyond_data_bytes_per_row\": %.6g\n}\n", r->peak - r->before,
         (double)(r->peak - r->before) / (double)s->rows);
}

static ait_status measure(const settings *s, ait_context *context, rows *train, rows *validation, results *r) {
  AIT_TRY(make_data(s, train, validation));
  r->data = (size_t)(s->rows + s->validation) * ((size_t)s->columns + sizeof *train->labels);
  r->read_before = read_rows(s, train, ait_context_threads(context));
  forget_peak();
  r->before = process_bytes("VmRSS");
  AIT_TRY(run_problem(s, context, train, validation, r));
  r->peak = process_bytes("VmHWM");
  r->read_after = read_rows(s, train, ait_context_threads(context));
  print_results(s, context, r);
  return AIT_OK;
}

static ait_status run(const settings *s) {
  rows train = {.count = 0}, validation = {.count = 0};
  static results r;
  ait_context_options options;
  ait_context_options_init(&options);
  options.device = "cpu";
  ait_context *context = NULL;
  ait_status status = ait_context_create(&options, &context);
  status = status != AIT_OK ? status : measure(s, context, &train, &validation, &r);
  free_rows(&train);
  free_rows(&validation);
  ait_context_destroy(context);
  return status;
}

/* ---- command line ---------------------------------------------------------------------------- */

static const char usage[] =
    "usage: bench_scale [--rows N] [--validation M] [--columns D] [--classes C] [--steps K] [--iterations T]\n"
    "                   [--method NAME] [--file PATH.npy]\n"
    "Times UL iterations of linear hyper-cleaning on synthetic 8-bit rows and prints JSON. Defaults: 10000 rows, as\n"
    "many of validation as a hundredth of these (at least 1000), 784 columns, 10 classes, K = 100, T = 3, iaptt-gm.\n"
    "With --file the rows are written to PATH.npy, which is mapped; else they are in memory.\n";

static ait_status whole_number(const char *name, const char *text, int64_t least, int64_t most, int64_t *value) {
  char *end = NULL;
  const long long number = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || number < least || number > most) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--%s is '%s'; expected a whole number, %lld to %lld", name, text,
                    (long long)least, (long long)most);
  }
  *value = number;
  return AIT_OK;
}

static ait_status set_option(const char *name, const char *text, settings *s) {
  const int64_t most = (int64_t)1 << 31;
  const struct {
    const char *name;
    int64_t least, most, *value;
  } numbers[] = {{"rows", 4096, most, &s->rows},       {"validation", 1, most, &s->validation},
                 {"columns", 1, 1 << 16, &s->columns}, {"classes", 2, 1 << 16, &s->classes},
                 {"steps", 1, most, &s->steps},        {"iterations", 1, MOST_ITERATIONS, &s->iterations}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (strcmp(name, numbers[i].name) == 0) {
      return whole_number(name, text, numbers[i].least, numbers[i].most, numbers[i].value);
    }
  }
  *(strcmp(name, "file") == 0 ? &s->file : &s->method) = text;
  return AIT_OK;
}

static ait_status parse(int argc, char **argv, settings *s) {
  static const struct option options[] = {{"rows", required_argument, NULL, 0},
                                          {"validation", required_argument, NULL, 0},
                                          {"columns", required_argument, NULL, 0},
                                          {"classes", required_argument, NULL, 0},
                                          {"steps", required_argument, NULL, 0},
                                          {"iterations", required_argument, NULL, 0},
                                          {"method", required_argument, NULL, 0},
                                          {"file", required_argument, NULL, 0},
                                          {NULL, 0, NULL, 0}};
  int index = 0, found;
  while ((found = getopt_long(argc, argv, "", options, &index)) == 0) {
    AIT_TRY(set_option(options[index].name, optarg, s));
  }
  if (found != -1 || optind < argc) {
    return ait_fail(AIT_INVALID_ARGUMENT, "wrong usage");
  }
  if (s->validation == 0) {
    s->validation = s->rows / 100 > 1000 ? s->rows / 100 : 1000;
  }
  return AIT_OK;
}

int main(int argc, char **argv) {
  settings s = {.rows = 10000, .columns = 784, .classes = 10, .steps = 100, .iterations = 3, .method = "iaptt-gm"};
  if (parse(argc, argv, &s) != AIT_OK) {
    fprintf(stderr, "bench_scale: %s\n%s", ait_last_error(), usage);
    return 2;
  }
  if (run(&s) != AIT_OK) {
    fprintf(stderr, "bench_scale: %s\n", ait_last_error());
    return 1;
  }
  return 0;
}
