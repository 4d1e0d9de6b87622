/* vector.c - the vector operations of the CPU device. Elementwise work and sums are cut into chunks
 * by their length alone; see cpu.h. */
#include <string.h>

#include "device/cpu/cpu.h"
#include "device/trial.h"

static ait_status copy(ait_device *device, int64_t n, const ait_real *source, ait_real *target) {
  int64_t chunks = ait_ceil_div(n, AIT_CPU_CHUNK);
#pragma omp parallel for num_threads(device->threads) if (n > AIT_CPU_SERIAL)
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    int64_t begin = chunk * AIT_CPU_CHUNK;
    memmove(target + begin, source + begin, (size_t)ait_min64(AIT_CPU_CHUNK, n - begin) * sizeof *target);
  }
  return AIT_OK;
}

/* ---- combine ------------------------------------------------------------------------------- */

/* A linear combination with its coefficients read and rounded once. Unused terms are not touched. */
typedef struct combination {
  int32_t terms;
  ait_real c[AIT_MAX_TERMS];
  const ait_real *v[AIT_MAX_TERMS];
} combination;

/* `out` may be one of the vectors: entry i depends on entries i only, which is what simd asserts. */
static void combine_range(const combination *f, int64_t begin, int64_t end, ait_real *out) {
  const ait_real c0 = f->c[0], c1 = f->c[1], c2 = f->c[2], c3 = f->c[3];
  const ait_real *v0 = f->v[0], *v1 = f->v[1], *v2 = f->v[2], *v3 = f->v[3];
  switch (f->terms) {
    case 1:
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        out[i] = c0 * v0[i];
      }
      break;
    case 2:
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        out[i] = c0 * v0[i] + c1 * v1[i];
      }
      break;
    case 3:
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        out[i] = c0 * v0[i] + c1 * v1[i] + c2 * v2[i];
      }
      break;
    default:
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        out[i] = c0 * v0[i] + c1 * v1[i] + c2 * v2[i] + c3 * v3[i];
      }
      break;
  }
}

static ait_status combine(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, int32_t terms,
                          const ait_term *term, ait_real *out) {
  if (terms < 1 || terms > AIT_MAX_TERMS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "combine: %d terms; expected 1 to %d", terms, AIT_MAX_TERMS);
  }
  combination f = {.terms = terms};
  for (int32_t t = 0; t < terms; ++t) {
    f.c[t] = (ait_real)(term[t].factor * (term[t].coefficient != NULL ? (double)*term[t].coefficient : 1.0));
    f.v[t] = term[t].vector;
  }
  int64_t chunks = ait_ceil_div(m, AIT_CPU_CHUNK);
#pragma omp parallel for collapse(2) num_threads(device->threads) if (batch * m > AIT_CPU_SERIAL)
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      if (mask == NULL || mask[b] != 0) {
        int64_t begin = chunk * AIT_CPU_CHUNK;
        combine_range(&f, b * m + begin, b * m + ait_min64(m, begin + AIT_CPU_CHUNK), out);
      }
    }
  }
  return AIT_OK;
}

/* ---- row by row ---------------------------------------------------------------------------- */

/* out_i = a_i + s c_i, or s c_i. */
static void add_scaled_range(int64_t n, const ait_real *a, ait_real s, const ait_real *c, ait_real *out) {
  if (a == NULL) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      out[i] = s * c[i];
    }
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    out[i] = a[i] + s * c[i];
  }
}

static ait_status add_scaled(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                             double factor, const ait_real *scalar, const ait_real *c, ait_real *out) {
  int64_t chunks = ait_ceil_div(m, AIT_CPU_CHUNK);
#pragma omp parallel for collapse(2) num_threads(device->threads) if (batch * m > AIT_CPU_SERIAL)
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      if (mask == NULL || mask[b] != 0) {
        int64_t begin = b * m + chunk * AIT_CPU_CHUNK, n = ait_min64(AIT_CPU_CHUNK, m - chunk * AIT_CPU_CHUNK);
        add_scaled_range(n, a != NULL ? a + begin : NULL, (ait_real)(factor * (double)scalar[b]), c + begin,
                         out + begin);
      }
    }
  }
  return AIT_OK;
}

static void multiply_range(int64_t n, const ait_real *a, const ait_real *c, ait_real *out) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    out[i] = a[i] * c[i];
  }
}

static ait_status multiply(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *a,
                           const ait_real *c, ait_real *out) {
  int64_t chunks = ait_ceil_div(m, AIT_CPU_CHUNK);
#pragma omp parallel for collapse(2) num_threads(device->threads) if (batch * m > AIT_CPU_SERIAL)
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      if (mask == NULL || mask[b] != 0) {
        int64_t begin = b * m + chunk * AIT_CPU_CHUNK, n = ait_min64(AIT_CPU_CHUNK, m - chunk * AIT_CPU_CHUNK);
        multiply_range(n, a + begin, c + begin, out + begin);
      }
    }
  }
  return AIT_OK;
}

/* ---- projection ---------------------------------------------------------------------------- */

static ait_status project(ait_device *device, int64_t n, double lower, double upper, ait_real *v, int32_t *at_bound) {
  const ait_real lo = (ait_real)lower, hi = (ait_real)upper;
  int64_t count = 0;
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL) reduction(+ : count)
  for (int64_t i = 0; i < n; ++i) {
    ait_real u = v[i] < lo ? lo : v[i];
    u = u > hi ? hi : u;
    count += (u == lo) | (u == hi);
    v[i] = u;
  }
  if (at_bound != NULL) {
    *at_bound = (int32_t)ait_min64(count, INT32_MAX);
  }
  return AIT_OK;
}

static ait_status project_adjoint(ait_device *device, int64_t n, double lower, double upper, const ait_real *u,
                                  ait_real *v) {
  const ait_real lo = (ait_real)lower, hi = (ait_real)upper;
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < n; ++i) {
    v[i] = (u[i] < lo) | (u[i] > hi) ? 0 : v[i];
  }
  return AIT_OK;
}

/* ---- proximal steps ------------------------------------------------------------------------ */

static ait_status prox(ait_device *device, int64_t n, const ait_real *alpha, double l1, double l2, ait_real *v) {
  const ait_real threshold = (ait_real)(*alpha * l1), scale = (ait_real)(1 / (1 + *alpha * l2));
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < n; ++i) {
    const ait_real size = ait_real_fabs(v[i]) - threshold;
    v[i] = size <= 0 ? 0 : ait_real_copysign(scale * size, v[i]);
  }
  return AIT_OK;
}

static ait_status prox_adjoint(ait_device *device, int64_t n, const ait_real *alpha, double l1, double l2,
                               const ait_real *y, ait_real *v) {
  const ait_real scale = (ait_real)(1 / (1 + *alpha * l2));
  const int holds = (ait_real)(*alpha * l1) > 0;
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < n; ++i) {
    v[i] = holds & (y[i] == 0) ? 0 : scale * v[i];
  }
  return AIT_OK;
}

/* ---- sums ---------------------------------------------------------------------------------- */

enum { LANES = 8 };

/* sum a_i c_i over a range in double, in LANES interleaved partial sums added up in their order. */
static double dot_range(int64_t begin, int64_t end, const ait_real *a, const ait_real *c) {
  double lane[LANES] = {0};
  int64_t i = begin;
  for (; i + LANES <= end; i += LANES) {
    for (int64_t l = 0; l < LANES; ++l) {
      lane[l] += (double)a[i + l] * (double)c[i + l];
    }
  }
  for (int64_t l = 0; i < end; ++i, ++l) {
    lane[l] += (double)a[i] * (double)c[i];
  }
  double sum = 0;
  for (int64_t l = 0; l < LANES; ++l) {
    sum += lane[l];
  }
  return sum;
}

/* One dot product over `threads` threads; slots and their order depend on m alone. */
static double dot_one(int32_t threads, int64_t m, const ait_real *a, const ait_real *c) {
  const ait_slots slots = ait_slots_of(m, AIT_CPU_CHUNK, LANES);
  double partial[AIT_SUM_SLOTS];
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t slot = 0; slot < slots.count; ++slot) {
    partial[slot] = dot_range(ait_slot_begin(&slots, slot), ait_slot_end(&slots, slot), a, c);
  }
  double sum = 0;
  for (int64_t slot = 0; slot < slots.count; ++slot) {
    sum += partial[slot];
  }
  return sum;
}

static ait_status dot(ait_device *device, int64_t batch, int64_t m, const ait_real *a, const ait_real *c,
                      ait_real *out) {
  if (m > AIT_CPU_SERIAL) {
    for (int64_t b = 0; b < batch; ++b) {
      out[b] = (ait_real)dot_one(device->threads, m, a + b * m, c + b * m);
    }
    return AIT_OK;
  }
#pragma omp parallel for num_threads(device->threads) if (batch * m > AIT_CPU_SERIAL)
  for (int64_t b = 0; b < batch; ++b) {
    out[b] = (ait_real)dot_one(1, m, a + b * m, c + b * m);
  }
  return AIT_OK;
}

static ait_status ratio(ait_device *device, int64_t batch, const ait_real *numerator, const ait_real *denominator,
                        ait_real *out) {
  (void)device;
  for (int64_t b = 0; b < batch; ++b) {
    int usable = isfinite(numerator[b]) && isfinite(denominator[b]) && denominator[b] != 0;
    out[b] = usable ? numerator[b] / denominator[b] : 0;
  }
  return AIT_OK;
}

static ait_status difference_step(ait_device *device, double epsilon, const ait_real *square, ait_real *step) {
  const double norm = sqrt((double)*square);
  (void)device;
  step[0] = (ait_real)(norm == 0 ? 0 : epsilon / norm);
  step[1] = (ait_real)(norm / (2 * epsilon));
  return AIT_OK;
}

static ait_status power(ait_device *device, int64_t batch, double scale, double shift, double exponent,
                        const ait_real *in, ait_real *out) {
  (void)device;
  for (int64_t b = 0; b < batch; ++b) {
    out[b] = (ait_real)(scale * pow((double)in[b] + shift, exponent));
  }
  return AIT_OK;
}

static ait_status count_nonfinite(ait_device *device, int64_t n, const ait_real *v, int32_t *count) {
  int64_t found = 0;
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL) reduction(+ : found)
  for (int64_t i = 0; i < n; ++i) {
    found += !(ait_real_fabs(v[i]) <= AIT_REAL_MAX);
  }
  *count = (int32_t)ait_min64(found, INT32_MAX);
  return AIT_OK;
}

/* ---- truncation ---------------------------------------------------------------------------- */

/* Whether `candidate` takes the place of `best`: NaN is larger than every number, ties keep `best`. */
static int is_larger(ait_real candidate, ait_real best) {
  return !isnan(best) && (isnan(candidate) || candidate > best);
}

static ait_status argmax(ait_device *device, int64_t batch, int32_t first, int32_t last, const ait_real *values,
                         int32_t *kbar) {
  (void)device;
  for (int64_t b = 0; b < batch; ++b) {
    int32_t best = first;
    for (int32_t k = first; k <= last; ++k) {
      if (is_larger(values[k * batch + b], values[best * batch + b])) {
        best = k;
      }
    }
    kbar[b] = best;
  }
  return AIT_OK;
}

static ait_status truncation_masks(ait_device *device, int64_t batch, const int32_t *kbar, const int32_t *step,
                                   uint8_t *enter, uint8_t *active) {
  (void)device;
  for (int64_t b = 0; b < batch; ++b) {
    enter[b] = kbar[b] == step[1] + 1;
    active[b] = kbar[b] >= step[1] + 1;
  }
  return AIT_OK;
}

static ait_status select_rows(ait_device *device, int64_t batch, int64_t m, const uint8_t *mask, const ait_real *source,
                              ait_real *target) {
  for (int64_t b = 0; b < batch; ++b) {
    if (mask[b] != 0) {
      AIT_TRY(copy(device, m, source + b * m, target + b * m));
    }
  }
  return AIT_OK;
}

static ait_status gather(ait_device *device, int64_t batch, int64_t m, const int32_t *kbar, int32_t first, int32_t last,
                         int64_t slots, int64_t stride, const ait_real *states, ait_real *out) {
  for (int64_t b = 0; b < batch; ++b) {
    if (kbar[b] >= first && kbar[b] <= last) {
      AIT_TRY(copy(device, m, states + kbar[b] % slots * stride + b * m, out + b * m));
    }
  }
  return AIT_OK;
}

static ait_status judge_trials(ait_device *device, int64_t batch, const ait_trial *trial) {
  (void)device;
  for (int64_t b = 0; b < batch; ++b) {
    ait_judge_trial(trial, b);
  }
  return AIT_OK;
}

/* ---- optimiser ----------------------------------------------------------------------------- */

/* v = momentum v + s g;  x = x - rate v */
static void update_sgd(ait_device *device, int64_t n, const ait_update *update, const ait_real *g, ait_real *v,
                       ait_real *x) {
  const ait_real rate = (ait_real)update->rate, momentum = (ait_real)update->momentum;
  const ait_real scale = (ait_real)update->gradient_scale;
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < n; ++i) {
    ait_real s = scale * g[i];
    v[i] = momentum * v[i] + s;
    x[i] -= rate * v[i];
  }
}

/* m = beta1 m + (1 - beta1) s g;  v = beta2 v + (1 - beta2) (s g)^2;
 * x = x - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) */
static void update_adam(ait_device *device, int64_t n, const ait_update *update, const ait_real *g, ait_real *m,
                        ait_real *v, ait_real *x) {
  const ait_real rate = (ait_real)update->rate, epsilon = (ait_real)update->epsilon;
  const ait_real beta1 = (ait_real)update->beta1, rest1 = (ait_real)(1 - update->beta1);
  const ait_real beta2 = (ait_real)update->beta2, rest2 = (ait_real)(1 - update->beta2);
  const ait_real correction1 = (ait_real)update->correction1, correction2 = (ait_real)update->correction2;
  const ait_real scale = (ait_real)update->gradient_scale;
#pragma omp parallel for simd num_threads(device->threads) if (parallel : n > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < n; ++i) {
    ait_real s = scale * g[i];
    m[i] = beta1 * m[i] + rest1 * s;
    v[i] = beta2 * v[i] + rest2 * (s * s);
    x[i] -= rate * (m[i] / correction1) / (ait_real_sqrt(v[i] / correction2) + epsilon);
  }
}

static ait_status update(ait_device *device, ait_optimizer_kind kind, int64_t n, const ait_update *numbers,
                         const ait_real *g, ait_real *moment1, ait_real *moment2, ait_real *x) {
  if (kind == AIT_OPTIMIZER_ADAM) {
    update_adam(device, n, numbers, g, moment1, moment2, x);
  } else {
    update_sgd(device, n, numbers, g, moment1, x);
  }
  return AIT_OK;
}

const ait_vector_ops ait_cpu_vector = {
    .copy = copy,
    .combine = combine,
    .add_scaled = add_scaled,
    .multiply = multiply,
    .project = project,
    .project_adjoint = project_adjoint,
    .prox = prox,
    .prox_adjoint = prox_adjoint,
    .dot = dot,
    .ratio = ratio,
    .power = power,
    .difference_step = difference_step,
    .argmax = argmax,
    .truncation_masks = truncation_masks,
    .select = select_rows,
    .gather = gather,
    .update = update,
    .judge_trials = judge_trials,
    .count_nonfinite = count_nonfinite,
};
