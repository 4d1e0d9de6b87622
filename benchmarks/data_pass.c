/* data_pass.c - times the folded data pass (docs/derivation.md#folded-data-pass) on random rows.
 *
 * Prints one JSON object: the device, the sizes, and for each pass (loss and gradient; these with tangent
 * and cross terms) the median and the quartiles of milliseconds, and the rows' gigabytes read a second at
 * the median. Beside them stands what a copy of large vectors moves on the same device, read and written,
 * which is the bandwidth that a pass over many rows can come near.
 *
 * A sample is `passes` passes enqueued at once, recorded where the device can record, and one wait for
 * them, so that the wait weighs little. Rows that fit into a cache are read from there from the second
 * pass on, as in a run of the solver. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ait/ait.h"
#include "context/context.h"
#include "context/error.h"
#include "context/random.h"

/* The copy that measures bandwidth: far larger than any cache. */
enum { COPY_BYTES = 256 << 20 };

/* Rows of random floats made on the host; larger data repeat them. */
enum { CHUNK_ROWS = 16384 };

/* Streams of random numbers, apart from the library's. */
enum { STREAM_ROWS = 100, STREAM_LABELS, STREAM_CLASSIFIER, STREAM_DIRECTION, STREAM_X };

typedef struct settings {
  const char *device;
  int64_t rows, columns, classes, repeats, passes;
  ait_type type;
  uint64_t seed;
} settings;

/* What the passes read and write, all in the device's memory. */
typedef struct bench {
  ait_device *device;
  ait_rows rows;
  ait_pass plain, full;
  void *workspace;
  void *owned[16];
  int32_t owned_count;
} bench;

/* ---- memory ---------------------------------------------------------------------------------- */

static ait_status allocate(bench *b, size_t bytes, void **memory) {
  AIT_TRY(b->device->runtime->allocate(b->device, bytes, memory));
  b->owned[b->owned_count++] = *memory;
  return AIT_OK;
}

static void release_all(bench *b) {
  while (b->owned_count > 0) {
    b->device->runtime->release(b->device, b->owned[--b->owned_count]);
  }
}

static ait_status allocate_host(size_t bytes, void **memory) {
  *memory = malloc(bytes);
  return *memory != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "no memory for %zu bytes on the host", bytes);
}

/* *values = `count` numbers uniform in -0.5 .. 0.5. */
static ait_status random_reals(bench *b, uint64_t seed, uint32_t stream, int64_t count, ait_real **values) {
  const size_t bytes = (size_t)count * sizeof **values;
  void *host = NULL, *memory = NULL;
  AIT_TRY(allocate(b, bytes, &memory));
  AIT_TRY(allocate_host(bytes, &host));
  for (int64_t i = 0; i < count; i++) {
    ((ait_real *)host)[i] = (ait_real)(ait_random_uniform(seed, stream, (uint64_t)i) - 0.5);
  }
  const ait_status status = b->device->runtime->copy_in(b->device, bytes, host, memory);
  free(host);
  *values = memory;
  return status;
}

static ait_status random_labels(bench *b, const settings *s, int32_t **labels) {
  const size_t bytes = (size_t)s->rows * sizeof **labels;
  void *host = NULL, *memory = NULL;
  AIT_TRY(allocate(b, bytes, &memory));
  AIT_TRY(allocate_host(bytes, &host));
  for (int64_t i = 0; i < s->rows; i++) {
    ((int32_t *)host)[i] = (int32_t)ait_random_below(s->seed, STREAM_LABELS, (uint64_t)i, (uint64_t)s->classes);
  }
  const ait_status status = b->device->runtime->copy_in(b->device, bytes, host, memory);
  free(host);
  *labels = memory;
  return status;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static size_t row_bytes(const settings *s) {
  return (size_t)s->columns * (s->type == AIT_U8 ? sizeof(uint8_t) : sizeof(float));
}

/* Random floats, uniform in 0 .. 1: the first CHUNK_ROWS rows again and again. */
static ait_status fill_floats(bench *b, const settings *s, char *memory) {
  const int64_t chunk = s->rows < CHUNK_ROWS ? s->rows : CHUNK_ROWS;
  void *host = NULL;
  AIT_TRY(allocate_host((size_t)chunk * row_bytes(s), &host));
  for (int64_t i = 0; i < chunk * s->columns; i++) {
    ((float *)host)[i] = (float)ait_random_uniform(s->seed, STREAM_ROWS, (uint64_t)i);
  }
  ait_status status = AIT_OK;
  for (int64_t row = 0; row < s->rows && status == AIT_OK; row += chunk) {
    const int64_t count = s->rows - row < chunk ? s->rows - row : chunk;
    status =
        b->device->runtime->copy_in(b->device, (size_t)count * row_bytes(s), host, memory + (size_t)row * row_bytes(s));
  }
  free(host);
  return status;
}

/* u8 rows are random bytes, value / 255 as pixels are. */
static ait_status make_rows(bench *b, const settings *s) {
  const size_t bytes = (size_t)s->rows * row_bytes(s);
  void *memory = NULL;
  AIT_TRY(allocate(b, bytes, &memory));
  b->rows = (ait_rows){.type = s->type, .rows = s->rows, .columns = s->columns, .stride = s->columns, .data = memory};
  if (s->type != AIT_U8) {
    return fill_floats(b, s, memory);
  }
  AIT_TRY(b->device->runtime->random_bytes(b->device, s->seed, bytes, memory));
  const size_t scale_bytes = (size_t)s->columns * sizeof(ait_real);
  void *scale = NULL, *host = NULL;
  AIT_TRY(allocate(b, scale_bytes, &scale));
  AIT_TRY(allocate_host(scale_bytes, &host));
  for (int64_t j = 0; j < s->columns; j++) {
    ((ait_real *)host)[j] = (ait_real)(1.0 / 255);
  }
  const ait_status status = b->device->runtime->copy_in(b->device, scale_bytes, host, scale);
  free(host);
  b->rows.scale = scale;
  return status;
}

static ait_status make_outputs(bench *b, const settings *s) {
  const size_t classifier = (size_t)(s->classes * (s->columns + 1)) * sizeof(ait_real);
  void *loss = NULL, *gradient = NULL, *tangent = NULL, *cross = NULL;
  AIT_TRY(allocate(b, sizeof(ait_real), &loss));
  AIT_TRY(allocate(b, classifier, &gradient));
  AIT_TRY(allocate(b, classifier, &tangent));
  AIT_TRY(allocate(b, (size_t)s->rows * sizeof(ait_real), &cross));
  b->full.loss = loss;
  b->full.gradient = gradient;
  b->full.tangent = tangent;
  b->full.cross = cross;
  return AIT_OK;
}

static ait_status prepare(bench *b, const settings *s) {
  const int64_t classifier = s->classes * (s->columns + 1);
  ait_real *y = NULL, *direction = NULL, *x = NULL;
  int32_t *labels = NULL;
  AIT_TRY(make_rows(b, s));
  AIT_TRY(random_labels(b, s, &labels));
  AIT_TRY(random_reals(b, s->seed, STREAM_CLASSIFIER, classifier, &y));
  AIT_TRY(random_reals(b, s->seed, STREAM_DIRECTION, classifier, &direction));
  AIT_TRY(random_reals(b, s->seed, STREAM_X, s->rows, &x));
  b->full = (ait_pass){
      .rows = &b->rows, .labels = labels, .classes = s->classes, .classifier = y, .direction = direction, .x = x};
  AIT_TRY(make_outputs(b, s));
  b->plain = b->full;
  b->plain.direction = b->plain.tangent = b->plain.cross = NULL;
  return allocate(b, b->device->model->data_pass_workspace(b->device, &b->full), &b->workspace);
}

/* ---- timing ---------------------------------------------------------------------------------- */

static double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Work that is timed, enqueued `times` times. */
typedef struct work {
  ait_status (*enqueue)(bench *b, const void *what);
  const void *what;
  int64_t times;
} work;

static ait_status enqueue_pass(bench *b, const void *pass) {
  return b->device->model->data_pass(b->device, pass, b->workspace);
}

typedef struct vectors {
  int64_t n;
  const ait_real *source;
  ait_real *target;
} vectors;

static ait_status enqueue_copy(bench *b, const void *what) {
  const vectors *v = what;
  return b->device->vector->copy(b->device, v->n, v->source, v->target);
}

static ait_status enqueue_all(bench *b, const work *w) {
  for (int64_t i = 0; i < w->times; i++) {
    AIT_TRY(w->enqueue(b, w->what));
  }
  return AIT_OK;
}

/* *recording stays NULL where the device records nothing. */
static ait_status record(bench *b, const work *w, ait_recording **recording) {
  const ait_runtime_ops *runtime = b->device->runtime;
  if (runtime->begin_recording == NULL) {
    return AIT_OK;
  }
  AIT_TRY(runtime->begin_recording(b->device));
  const ait_status status = enqueue_all(b, w);
  if (status != AIT_OK) {
    runtime->end_recording(b->device, NULL);
    return status;
  }
  return runtime->end_recording(b->device, recording);
}

static ait_status take_samples(bench *b, const work *w, ait_recording *recording, int64_t count, double *seconds) {
  const ait_runtime_ops *runtime = b->device->runtime;
  for (int64_t i = 0; i < count; i++) {
    const double start = now_seconds();
    AIT_TRY(recording != NULL ? runtime->replay(b->device, recording) : enqueue_all(b, w));
    AIT_TRY(runtime->synchronize(b->device));
    seconds[i] = (now_seconds() - start) / (double)w->times;
  }
  return AIT_OK;
}

static int compare(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

/* The value at `part` (0 .. 1) of sorted numbers, between two by a straight line. */
static double quantile(const double *sorted, int64_t count, double part) {
  const double place = part * (double)(count - 1);
  const int64_t below = (int64_t)floor(place), above = below + 1 < count ? below + 1 : below;
  return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

/* Samples after one that is thrown away, sorted. */
static ait_status measure(bench *b, const work *w, int64_t repeats, double *seconds) {
  ait_recording *recording = NULL;
  AIT_TRY(enqueue_all(b, w)); /* what the first use makes, before anything is recorded */
  AIT_TRY(b->device->runtime->synchronize(b->device));
  AIT_TRY(record(b, w, &recording));
  ait_status status = take_samples(b, w, recording, 1, seconds);
  status = status != AIT_OK ? status : take_samples(b, w, recording, repeats, seconds);
  if (recording != NULL) {
    b->device->runtime->release_recording(b->device, recording);
  }
  qsort(seconds, (size_t)repeats, sizeof *seconds, compare);
  return status;
}

/* ---- report ---------------------------------------------------------------------------------- */

/* `bytes` are those that one run of the work moves. */
static ait_status report(bench *b, const char *name, const work *w, int64_t repeats, double bytes, const char *end) {
  void *memory = NULL;
  AIT_TRY(allocate_host((size_t)repeats * sizeof(double), &memory));
  double *seconds = memory;
  const ait_status status = measure(b, w, repeats, seconds);
  if (status == AIT_OK) {
    const double median = quantile(seconds, repeats, 0.5);
    printf("  \"%s\": {\"milliseconds\": {\"median\": %.6g, \"lower_quartile\": %.6g, \"upper_quartile\": %.6g}, ",
           name, 1e3 * median, 1e3 * quantile(seconds, repeats, 0.25), 1e3 * quantile(seconds, repeats, 0.75));
    printf("\"gigabytes_per_second\": %.6g}%s\n", 1e-9 * bytes / median, end);
  }
  free(memory);
  return status;
}

static ait_status report_copy(bench *b, const settings *s) {
  const size_t bytes = COPY_BYTES;
  void *source = NULL, *target = NULL;
  AIT_TRY(allocate(b, bytes, &source));
  AIT_TRY(allocate(b, bytes, &target));
  AIT_TRY(b->device->runtime->random_bytes(b->device, s->seed, bytes, source));
  const vectors copied = {.n = (int64_t)(bytes / sizeof(ait_real)), .source = source, .target = target};
  const work w = {.enqueue = enqueue_copy, .what = &copied, .times = 1};
  return report(b, "copy", &w, s->repeats, 2.0 * (double)bytes, "");
}

static void print_text(const char *name, const char *text) {
  printf("  \"%s\": \"", name);
  for (; *text != '\0'; text++) {
    printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
  }
  printf("\",\n");
}

static ait_status run(bench *b, const settings *s, const ait_context *context) {
  AIT_TRY(prepare(b, s));
  const work plain = {.enqueue = enqueue_pass, .what = &b->plain, .times = s->passes};
  const work full = {.enqueue = enqueue_pass, .what = &b->full, .times = s->passes};
  const double bytes = (double)s->rows * (double)row_bytes(s);
  printf("{\n");
  print_text("device", ait_context_device(context));
  print_text("description", ait_context_description(context));
  print_text("version", ait_version());
  printf("  \"rows\": %" PRId64 ", \"columns\": %" PRId64 ", \"classes\": %" PRId64 ", \"type\": \"%s\",\n", s->rows,
         s->columns, s->classes, s->type == AIT_U8 ? "u8" : "f32");
  printf("  \"row_bytes\": %.0f, \"repeats\": %" PRId64 ", \"passes_per_sample\": %" PRId64 ", \"seed\": %" PRIu64
         ",\n",
         bytes, s->repeats, s->passes, s->seed);
  AIT_TRY(report(b, "loss_and_gradient", &plain, s->repeats, bytes, ","));
  AIT_TRY(report(b, "with_tangent_and_cross", &full, s->repeats, bytes, ","));
  AIT_TRY(report_copy(b, s));
  printf("}\n");
  return AIT_OK;
}

/* ---- command line ---------------------------------------------------------------------------- */

static const char usage[] =
    "usage: bench_data_pass [--device cpu|cuda|cuda:N] [--rows N] [--columns D] [--classes C] [--type u8|f32]\n"
    "                       [--repeats R] [--passes P] [--seed S]\n"
    "Times the folded data pass on random rows and prints JSON. Defaults: cpu, 5000 x 784, 10 classes, u8, 20\n"
    "samples of as many passes as make 100,000 rows (at least 1), seed 0.\n";

static ait_status whole_number(const char *name, const char *text, int64_t least, int64_t *value) {
  char *end = NULL;
  const long long number = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || number < least || number > (int64_t)1 << 40) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--%s is '%s'; expected a whole number, at least %lld", name, text,
                    (long long)least);
  }
  *value = number;
  return AIT_OK;
}

static ait_status set_option(const char *name, const char *text, settings *s) {
  const struct {
    const char *name;
    int64_t least, *value;
  } numbers[] = {{"rows", 1, &s->rows},
                 {"columns", 1, &s->columns},
                 {"classes", 2, &s->classes},
                 {"repeats", 1, &s->repeats},
                 {"passes", 1, &s->passes}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (strcmp(name, numbers[i].name) == 0) {
      return whole_number(name, text, numbers[i].least, numbers[i].value);
    }
  }
  if (strcmp(name, "seed") == 0) {
    int64_t seed = 0;
    AIT_TRY(whole_number(name, text, 0, &seed));
    s->seed = (uint64_t)seed;
  } else if (strcmp(name, "device") == 0) {
    s->device = text;
  } else if (strcmp(text, "u8") == 0 || strcmp(text, "f32") == 0) {
    s->type = strcmp(text, "u8") == 0 ? AIT_U8 : AIT_F32;
  } else {
    return ait_fail(AIT_INVALID_ARGUMENT, "--type is '%s'; expected u8 or f32", text);
  }
  return AIT_OK;
}

static ait_status parse(int argc, char **argv, settings *s) {
  static const struct option options[] = {{"device", required_argument, NULL, 0},
                                          {"rows", required_argument, NULL, 0},
                                          {"columns", required_argument, NULL, 0},
                                          {"classes", required_argument, NULL, 0},
                                          {"type", required_argument, NULL, 0},
                                          {"repeats", required_argument, NULL, 0},
                                          {"passes", required_argument, NULL, 0},
                                          {"seed", required_argument, NULL, 0},
                                          {NULL, 0, NULL, 0}};
  int index = 0, found;
  while ((found = getopt_long(argc, argv, "", options, &index)) == 0) {
    AIT_TRY(set_option(options[index].name, optarg, s));
  }
  if (found != -1 || optind < argc) {
    return ait_fail(AIT_INVALID_ARGUMENT, "wrong usage");
  }
  if (s->passes == 0) {
    s->passes = s->rows < 100000 ? 100000 / s->rows : 1;
  }
  return AIT_OK;
}

int main(int argc, char **argv) {
  settings s = {.device = "cpu", .rows = 5000, .columns = 784, .classes = 10, .repeats = 20, .type = AIT_U8};
  if (parse(argc, argv, &s) != AIT_OK) {
    fprintf(stderr, "bench_data_pass: %s\n%s", ait_last_error(), usage);
    return 2;
  }
  ait_context_options options;
  ait_context_options_init(&options);
  options.device = s.device;
  ait_context *context = NULL;
  ait_status status = ait_context_create(&options, &context);
  if (status == AIT_OK) {
    bench b = {.device = &context->device};
    status = run(&b, &s, context);
    release_all(&b);
    ait_context_destroy(context);
  }
  if (status != AIT_OK) {
    fprintf(stderr, "bench_data_pass: %s\n", ait_last_error());
    return 1;
  }
  return 0;
}
