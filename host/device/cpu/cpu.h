/* cpu.h (internal) - what the files of the CPU device share. */
#ifndef AIT_CPU_H
#define AIT_CPU_H

#include <math.h>

#include "context/error.h"
#include "device/device.h"
#include "device/uploads.h"

extern const ait_runtime_ops ait_cpu_runtime;
extern const ait_vector_ops ait_cpu_vector;
extern const ait_model_ops ait_cpu_model;
extern const ait_model_ops ait_cpu_lane_model; /* of a device that is one thread of another */

/* Work is cut into pieces by its length alone, so that every sum has one order whatever the number
 * of threads. Below AIT_CPU_SERIAL entries a parallel region costs more than it saves. */
enum { AIT_CPU_CHUNK = 8192, AIT_CPU_SERIAL = 32768 };

static inline int64_t ait_min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static inline int64_t ait_max64(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static inline int64_t ait_ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static inline int64_t ait_round_up(int64_t a, int64_t multiple) {
  return ait_ceil_div(a, multiple) * multiple;
}

/* The partition of n entries into at most AIT_SUM_SLOTS slots of a multiple of `unit` entries. */
typedef struct ait_slots {
  int64_t n, count, size;
} ait_slots;

static inline ait_slots ait_slots_of(int64_t n, int64_t least, int64_t unit) {
  int64_t wanted = ait_min64(AIT_SUM_SLOTS, ait_max64(1, ait_ceil_div(n, least)));
  int64_t size = ait_max64(unit, ait_round_up(ait_ceil_div(n, wanted), unit));
  return (ait_slots){n, ait_max64(1, ait_ceil_div(n, size)), size};
}

static inline int64_t ait_slot_begin(const ait_slots *slots, int64_t slot) {
  return ait_min64(slots->n, slot * slots->size);
}

static inline int64_t ait_slot_end(const ait_slots *slots, int64_t slot) {
  return ait_slot_begin(slots, slot + 1);
}

#ifdef AIT_DOUBLE
#define AIT_REAL_MAX            1.7976931348623157e308
#define ait_real_exp(v)         exp(v)
#define ait_real_sqrt(v)        sqrt(v)
#define ait_real_fabs(v)        fabs(v)
#define ait_real_copysign(v, s) copysign(v, s)
#define ait_real_infinity       ((double)INFINITY)
#else
#define AIT_REAL_MAX            3.40282346638528859812e38f
#define ait_real_exp(v)         expf(v)
#define ait_real_sqrt(v)        sqrtf(v)
#define ait_real_fabs(v)        fabsf(v)
#define ait_real_copysign(v, s) copysignf(v, s)
#define ait_real_infinity       INFINITY
#endif

typedef struct ait_pass_kernel ait_pass_kernel;

/* The device's state. */
typedef struct ait_cpu {
  const ait_pass_kernel *kernel; /* of the data pass */
  ait_upload *copies;            /* of rows */
} ait_cpu;

static inline const ait_pass_kernel *ait_cpu_kernel(const ait_device *device) {
  const ait_cpu *cpu = device->state;
  return cpu->kernel;
}

/* kernel.c: the kernels that AIT_CPU_KERNEL names, else the best that this processor runs. */
ait_status ait_cpu_choose_kernel(const ait_pass_kernel **kernel);

/* rows.c: rows in their own type. */
ait_status ait_cpu_upload_rows(ait_device *device, const ait_matrix *matrix, ait_row_use use, ait_rows *rows);
void ait_cpu_release_rows(ait_device *device, ait_rows *rows);
size_t ait_cpu_rows_workspace(ait_device *device, const ait_rows *rows);
ait_status ait_cpu_rows_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, int64_t h,
                              const ait_real *w, ait_real *z, void *workspace);
ait_status ait_cpu_rows_transposed_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count,
                                         int64_t h, const ait_real *r, ait_real *g, void *workspace);

/* Rows that a network with activations takes through its layers at once: enough for OpenBLAS's products to come near
 * those of all rows at once, few enough for slots of rows to keep many threads busy. Measured on one thread of a Xeon
 * with AVX-512, relu, 5,000 rows of bytes: time of the same products alone, over all rows, over time of a gradient, of
 * products along a direction, and of a loss:
 *     784-128-10       0.88, 0.90, 0.93      (1,024 rows shared by all threads layer by layer: 0.77, 0.73, 0.70)
 *     784-300-100-10   0.85, 0.87, 0.89      (0.77, 0.79, 0.75)
 * Chunks of 256 rows gave 0.80 for the larger gradient, chunks of 1,024 rows 0.86. */
enum { AIT_CPU_ROW_CHUNK = 512 };

/* gemm.c; and rows i .. i + m - 1, columns j .. j + n - 1 of a product by the calling thread alone, k >= 1. */
ait_status ait_cpu_gemm(ait_device *device, const ait_gemm *gemm);
void ait_cpu_gemm_tile(const ait_gemm *gemm, int64_t i, int64_t m, int64_t j, int64_t n);

/* The same product by the calling thread alone, in one piece. */
ait_status ait_cpu_lane_gemm(ait_device *device, const ait_gemm *gemm);

/* lanes.c: work that threads do side by side. */
ait_status ait_cpu_for_slots(ait_device *device, int64_t slots, ait_slot_work work, void *context);
ait_status ait_cpu_add_slots(ait_device *device, int64_t slots, int64_t stride, int64_t n, double *sum);

/* cross_entropy.c */
ait_status ait_cpu_cross_entropy(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                 const ait_targets *targets, ait_real *logits, ait_real *r, ait_real *loss);
ait_status ait_cpu_cross_entropy_x_gradient(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                            const int32_t *labels, const ait_real *x, ait_real *logits, ait_real *out);
ait_status ait_cpu_softmax(ait_device *device, int64_t count, int64_t classes, ait_real *logits);
ait_status ait_cpu_cross_entropy_tangent(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                         const ait_targets *targets, const ait_real *logits, ait_real *s,
                                         ait_real *cross, ait_real *slopes);
ait_status ait_cpu_noise_cross(ait_device *device, int64_t count, int64_t classes, const int32_t *labels,
                               const ait_real *slopes, ait_real *out);

/* transition.c */
ait_status ait_cpu_transition_terms(ait_device *device, int64_t classes, const ait_real *x, ait_real *lambda,
                                    ait_real *log_noise);
ait_status ait_cpu_transition_cross(ait_device *device, int64_t batch, int64_t classes, const uint8_t *active,
                                    const ait_real *x, const ait_real *dots, const ait_real *noise_cross, ait_real *xv);

/* data_pass.c */
size_t ait_cpu_data_pass_workspace(ait_device *device, const ait_pass *pass);
ait_status ait_cpu_data_pass(ait_device *device, const ait_pass *pass, void *workspace);

/* descent.c */
size_t ait_cpu_descent_workspace(ait_device *device, const ait_descent *descent);
ait_status ait_cpu_rollout(ait_device *device, const ait_descent *descent, void *workspace);
ait_status ait_cpu_reverse(ait_device *device, const ait_descent *descent, void *workspace);

#endif
