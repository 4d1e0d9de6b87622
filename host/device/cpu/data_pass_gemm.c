/* data_pass_gemm.c - the folded data pass by blocked matrix products, for classifiers so large that they
 * and their sums leave the caches between two blocks of the kernels' rows
 * (docs/derivation.md#folded-data-pass).
 *
 * Rows go in spans, and a span through four loops that the threads share:
 *     values    stored numbers become ait_real, unless they are usable as they are
 *     logits    L' = A U' and S' = V U', classes x rows, in tiles of classes and rows
 *     softmax   parts of AIT_PASS_ROWS rows: L' becomes R', S' becomes dR'
 *     sums      G += R' U and dG += dR' U in tiles of classes and columns: over TILE_ROWS rows by a product,
 *               from there on in double, in the order of the rows
 * Every tile is a product by one thread. Tiles lie where the shape puts them and no two add to one sum, so
 * that neither the number of threads nor the length of a span changes a bit, and the sums need no slots. */
#include <limits.h>
#include <omp.h>
#include <string.h>

#include "device/cpu/data_pass.h"

/* Tiles whose parts stay in the second-level cache while they are used. A span holds so many rows that the
 * double sums, which it reads and writes once, weigh little beside its products. */
enum { TILE_CLASSES = 256, TILE_ROWS = 256, TILE_COLUMNS = 256, SPAN = 8 * TILE_ROWS };

/* The rule that chooses between this pass and the kernels of data_pass_kernel.c: vectors so long, so many classes
 * and so many numbers in A. Time of the kernels over time of this pass, for loss and gradient of 2,048 rows of
 * floats, one thread of a Xeon with AVX-512, processor time, lower quartiles of interleaved passes, with OpenBLAS
 * 0.3.21 held to the same instructions:
 *     C x D            50 x 1024   100 x 1024   100 x 2048   200 x 1024   400 x 1024   1000 x 1024   1000 x 2048
 *     x86-64-v4          0.75        0.93         1.05         1.16         1.23         1.42          1.59
 *     x86-64-v3          0.92        1.04         1.07         1.11         1.15         1.15          1.43
 *     x86-64-v2          0.97        1.02         0.84         0.87         0.87         0.92          0.97
 * Rows of half floats and bytes must be converted for both: 1000 x 1024 on x86-64-v4 gives 1.41 and 1.27. With few
 * classes OpenBLAS leaves much of the processor idle, however many the columns are: with 50 it reached 60 % of
 * what it reached with 400. Rows that a kernel has a form of its own for stay with it: bytes, with AMX, went 2 to 4
 * times as fast as this pass at every shape above. Noisy labels stay with the kernels too, whose slots have the sums a
 * class and label that they need. */
enum { LEAST_VECTOR = 32 /* bytes */, LEAST_CLASSES = 100, LEAST_NUMBERS = 3 << 16 };

/* Whether the kernel has a form of its own for these rows, as that for AMX has for bytes. */
static int has_form(const ait_pass_kernel *kernel, const ait_pass *pass) {
  const ait_pass_job job = {.pass = pass, .columns = pass->rows->columns, .classes = pass->classes, .group = 1};
  return kernel->form_bytes != NULL && kernel->form_bytes(&job) > 0;
}

int ait_cpu_pass_is_wide(const ait_device *device, const ait_pass *pass) {
  const ait_pass_kernel *kernel = ait_cpu_kernel(device);
  const int64_t classes = pass->classes, columns = pass->rows->columns;
  const int64_t longest = ait_max64(ait_max64(classes, columns), pass->rows->stride); /* OpenBLAS counts in int */
  return kernel->lanes * (int64_t)sizeof(ait_real) >= LEAST_VECTOR && classes >= LEAST_CLASSES && longest <= INT_MAX &&
         classes * columns >= LEAST_NUMBERS && pass->log_noise == NULL && !has_form(kernel, pass);
}

/* One pass and where its parts stand in the workspace. */
typedef struct wide_plan {
  ait_pass_job job; /* a, v: classes x columns */
  const ait_pass_kernel *kernel;
  int64_t span, leading;     /* rows of a span, and reals from one class of `logits` to the next */
  int64_t scratch_size;      /* reals of one thread's scratch */
  double *g, *gb, *dg, *dgb; /* sums, not yet divided by N */
  double *losses;            /* of every part */
  ait_real *values;          /* span x columns, or NULL where the rows are read in place */
  ait_real *logits, *slopes; /* classes x span, `leading` apart */
  ait_real *scratch;
  size_t bytes;
} wide_plan;

/* The rows first .. first + count - 1, and their values `stride` apart. */
typedef struct wide_span {
  int64_t first, count, stride;
  const ait_real *values;
} wide_span;

static int is_in_place(const ait_rows *rows) {
  return rows->type == (sizeof(ait_real) == sizeof(double) ? AIT_F64 : AIT_F32);
}

/* Gives every part of the plan its place in the workspace. */
static void lay_out(const ait_device *device, void *workspace, wide_plan *plan) {
  const ait_rows *rows = plan->job.pass->rows;
  const int64_t classes = plan->job.classes, numbers = classes * plan->job.columns;
  const struct {
    ait_real **part;
    int64_t count;
  } reals[] = {{&plan->job.a, numbers},
               {&plan->job.v, numbers},
               {&plan->job.b, classes},
               {&plan->job.w, classes},
               {&plan->values, is_in_place(rows) ? 0 : plan->span * plan->job.columns},
               {&plan->logits, classes * plan->leading},
               {&plan->slopes, classes * plan->leading},
               {&plan->scratch, device->threads * plan->scratch_size}};
  const struct {
    double **part;
    int64_t count;
  } doubles[] = {{&plan->g, numbers},
                 {&plan->dg, numbers},
                 {&plan->gb, classes},
                 {&plan->dgb, classes},
                 {&plan->losses, ait_ceil_div(rows->rows, AIT_PASS_ROWS)}};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; ++i) {
    *reals[i].part = ait_take(workspace, &plan->bytes, (size_t)reals[i].count * sizeof(ait_real));
  }
  for (size_t i = 0; i < sizeof doubles / sizeof *doubles; ++i) {
    *doubles[i].part = ait_take(workspace, &plan->bytes, (size_t)doubles[i].count * sizeof(double));
  }
}

static wide_plan plan_pass(const ait_device *device, const ait_pass *pass, void *workspace) {
  const int64_t columns = pass->rows->columns, classes = pass->classes, line = AIT_LINE / (int64_t)sizeof(ait_real);
  const int64_t strips = 2 * AIT_PASS_ROWS * classes, tile = TILE_CLASSES * TILE_COLUMNS;
  wide_plan plan = {.job = {.pass = pass, .columns = columns, .padded = columns, .classes = classes, .group = classes},
                    .kernel = ait_cpu_kernel(device),
                    .span = ait_min64(pass->rows->rows, SPAN),
                    .scratch_size = ait_round_up(ait_max64(strips, tile), line)};
  plan.leading = ait_round_up(plan.span, AIT_PASS_ROWS) + line; /* not a power of two: classes lie in other sets */
  lay_out(device, workspace, &plan);
  if (pass->direction == NULL) {
    plan.job.v = plan.job.w = NULL;
  }
  return plan;
}

size_t ait_cpu_wide_pass_workspace(ait_device *device, const ait_pass *pass) {
  return plan_pass(device, pass, NULL).bytes;
}

/* ---- scale and shift ------------------------------------------------------------------------ */

/* Row c of G and its bias from the sums over the rows. */
static void write_class(const wide_plan *plan, int64_t c, const double *sums, double bias, ait_real *out) {
  const ait_rows *rows = plan->job.pass->rows;
  const int64_t columns = plan->job.columns;
  const double inverse = 1 / (double)rows->rows;
  for (int64_t j = 0; j < columns; ++j) {
    const double scale = rows->scale != NULL ? (double)rows->scale[j] : 1;
    const double shift = rows->shift != NULL ? (double)rows->shift[j] * bias : 0;
    out[c * columns + j] = (ait_real)(inverse * (scale * sums[c * columns + j] + shift));
  }
  out[plan->job.classes * columns + c] = (ait_real)(inverse * bias);
}

/* ---- the loops of a span -------------------------------------------------------------------- */

/* U of a span. */
static wide_span read_span(const wide_plan *plan, int64_t first) {
  const ait_rows *rows = plan->job.pass->rows;
  wide_span span = {first, ait_min64(plan->span, rows->rows - first), rows->columns, plan->values};
  if (is_in_place(rows)) {
    span.values = (const ait_real *)rows->data + first * rows->stride;
    span.stride = rows->stride;
  } else {
#pragma omp for
    for (int64_t i = 0; i < span.count; ++i) {
      ait_cpu_convert_row(plan->kernel, rows, first + i, plan->values + i * rows->columns);
    }
  }
  return span;
}

/* L' or S' of a span, without bias. */
static void multiply_rows(const wide_plan *plan, const wide_span *span, const ait_real *a, ait_real *logits) {
  const int64_t classes = plan->job.classes, columns = plan->job.columns;
  const ait_gemm product = {.transpose_b = 1,
                            .k = columns,
                            .alpha = 1,
                            .a = a,
                            .lda = columns,
                            .b = span->values,
                            .ldb = span->stride,
                            .c = logits,
                            .ldc = plan->leading};
#pragma omp for collapse(2) schedule(dynamic)
  for (int64_t i = 0; i < span->count; i += TILE_ROWS) {
    for (int64_t c = 0; c < classes; c += TILE_CLASSES) {
      ait_cpu_gemm_tile(&product, c, ait_min64(TILE_CLASSES, classes - c), i, ait_min64(TILE_ROWS, span->count - i));
    }
  }
}

/* Copies a strip of `width` numbers a class from one matrix to another. */
static void copy_strip(int64_t classes, int64_t width, const ait_real *from, int64_t from_leading, ait_real *to,
                       int64_t to_leading) {
  for (int64_t c = 0; c < classes; ++c) {
    memcpy(to + c * to_leading, from + c * from_leading, (size_t)width * sizeof *to);
  }
}

/* Softmax of the part of a span that begins at its row i. */
static void softmax_part(const wide_plan *plan, const wide_span *span, int64_t i, ait_real *scratch) {
  const ait_pass_job *job = &plan->job;
  const int64_t classes = job->classes, count = ait_min64(AIT_PASS_ROWS, span->count - i);
  const int64_t begin = span->first + i, matrix = AIT_PASS_ROWS * classes;
  ait_real *logits = scratch, *slopes = scratch + matrix;
  if (count < AIT_PASS_ROWS) {
    memset(scratch, 0, (size_t)(2 * matrix) * sizeof *scratch);
  }
  copy_strip(classes, count, plan->logits + i, plan->leading, logits, AIT_PASS_ROWS);
  if (job->v != NULL) {
    copy_strip(classes, count, plan->slopes + i, plan->leading, slopes, AIT_PASS_ROWS);
  }
  plan->kernel->softmax(job, begin, count, plan->losses + begin / AIT_PASS_ROWS, NULL, logits, slopes);
  if (job->pass->gradient != NULL) {
    copy_strip(classes, count, logits, AIT_PASS_ROWS, plan->logits + i, plan->leading);
  }
  if (job->pass->tangent != NULL) {
    copy_strip(classes, count, slopes, AIT_PASS_ROWS, plan->slopes + i, plan->leading);
  }
}

/* g (+)= R' U over a span, for the tile that begins at class c and column j. */
static void add_tile(const wide_plan *plan, const wide_span *span, int64_t c, int64_t j, const ait_real *r,
                     ait_real *scratch, double *g) {
  const int64_t columns = plan->job.columns, width = ait_min64(TILE_COLUMNS, columns - j);
  const int64_t height = ait_min64(TILE_CLASSES, plan->job.classes - c);
  for (int64_t i = 0; i < span->count; i += TILE_ROWS) {
    const ait_gemm product = {.k = ait_min64(TILE_ROWS, span->count - i),
                              .alpha = 1,
                              .a = r + c * plan->leading + i,
                              .lda = plan->leading,
                              .b = span->values + i * span->stride + j,
                              .ldb = span->stride,
                              .c = scratch,
                              .ldc = width};
    ait_cpu_gemm_tile(&product, 0, height, 0, width);
    for (int64_t k = 0; k < height; ++k) {
      plan->kernel->accumulate(width, scratch + k * width, span->first + i > 0, g + (c + k) * columns + j);
    }
  }
}

/* G and its bias part over a span: r is R', classes x rows. */
static void add_span(const wide_plan *plan, const wide_span *span, const ait_real *r, ait_real *scratch, double *g,
                     double *gb) {
  const int64_t classes = plan->job.classes, columns = plan->job.columns;
#pragma omp for collapse(2) schedule(dynamic) nowait
  for (int64_t c = 0; c < classes; c += TILE_CLASSES) {
    for (int64_t j = 0; j < columns; j += TILE_COLUMNS) {
      add_tile(plan, span, c, j, r, scratch, g);
    }
  }
#pragma omp for
  for (int64_t c = 0; c < classes; ++c) {
    double sum = 0;
    for (int64_t i = 0; i < span->count; ++i) {
      sum += (double)r[c * plan->leading + i];
    }
    gb[c] = (span->first > 0 ? gb[c] : 0) + sum;
  }
}

/* ---- the pass ------------------------------------------------------------------------------- */

static void pass_span(const wide_plan *plan, int64_t first, ait_real *scratch) {
  const ait_pass *pass = plan->job.pass;
  const wide_span span = read_span(plan, first);
  multiply_rows(plan, &span, plan->job.a, plan->logits);
  if (plan->job.v != NULL) {
    multiply_rows(plan, &span, plan->job.v, plan->slopes);
  }
#pragma omp for schedule(dynamic)
  for (int64_t i = 0; i < span.count; i += AIT_PASS_ROWS) {
    softmax_part(plan, &span, i, scratch);
  }
  if (pass->gradient != NULL) {
    add_span(plan, &span, plan->logits, scratch, plan->g, plan->gb);
  }
  if (pass->tangent != NULL) {
    add_span(plan, &span, plan->slopes, scratch, plan->dg, plan->dgb);
  }
}

/* What every thread does. */
static void pass_thread(const wide_plan *plan) {
  const ait_pass_job *job = &plan->job;
  const ait_pass *pass = job->pass;
  ait_real *scratch = plan->scratch + omp_get_thread_num() * plan->scratch_size;
#pragma omp for
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_pass_pack_class(job, plan->job.columns, c, pass->classifier, job->a, job->b);
    if (job->v != NULL) {
      ait_pass_pack_class(job, plan->job.columns, c, pass->direction, job->v, job->w);
    }
  }
  for (int64_t first = 0; first < pass->rows->rows; first += plan->span) {
    pass_span(plan, first, scratch);
  }
#pragma omp for
  for (int64_t c = 0; c < job->classes; ++c) {
    if (pass->gradient != NULL) {
      write_class(plan, c, plan->g, plan->gb[c], pass->gradient);
    }
    if (pass->tangent != NULL) {
      write_class(plan, c, plan->dg, plan->dgb[c], pass->tangent);
    }
  }
}

void ait_cpu_wide_pass(ait_device *device, const ait_pass *pass, void *workspace) {
  const wide_plan plan = plan_pass(device, pass, workspace);
#pragma omp parallel num_threads(device->threads)
  pass_thread(&plan);
  if (pass->loss != NULL) {
    double total = 0;
    for (int64_t part = 0; part < ait_ceil_div(pass->rows->rows, AIT_PASS_ROWS); ++part) {
      total += plan.losses[part];
    }
    *pass->loss = (ait_real)(total / (double)pass->rows->rows);
  }
}
