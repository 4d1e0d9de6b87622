/* cuda.h - what the files of the CUDA device share: its state, and how its errors become sentences. */
#ifndef AIT_CUDA_H
#define AIT_CUDA_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <curand.h>

#include "context/error.h"
#include "device/device.h"
#include "device/uploads.h"
#include "kernels.h"

extern const ait_runtime_ops ait_cuda_runtime;
extern const ait_vector_ops ait_cuda_vector;
extern const ait_model_ops ait_cuda_model;

/* Rows that a network with activations takes through its layers at once: enough to fill a large GPU. */
enum { AIT_CUDA_ROW_CHUNK = 8192 };

/* Pinned host memory that copies pass through. Two buffers: one is filled while the device reads the
 * other. Copies are laid one after the other into a buffer, and `event` stands behind the last copy of
 * a full one, so that small copies wait for nothing. */
enum { AIT_CUDA_BUFFERS = 2, AIT_CUDA_BUFFER_BYTES = 4 << 20 };

/* Operations of one recording: a rollout of 1,000 steps. Each takes memory of host and device, and where
 * there are more of them, what a replay saves is little beside what they do. */
enum { AIT_CUDA_MOST_RECORDED = 20000 };

typedef struct ait_cuda_buffer {
  char *memory;
  size_t used;
  cudaEvent_t event;
} ait_cuda_buffer;

/* The device's state. */
typedef struct ait_cuda {
  int32_t index;
  int32_t recording; /* nonzero between begin_recording and end_recording */
  int32_t recorded;  /* operations of the present recording */
  cudaStream_t stream;
  cublasHandle_t blas;
  void *blas_workspace;
  curandGenerator_t random; /* made at its first use */
  ait_kernel_limits limits;
  ait_reduce_memory *reduce;
  ait_cuda_buffer buffer[AIT_CUDA_BUFFERS];
  int32_t current;     /* the buffer that is being filled */
  ait_upload *uploads; /* stored rows */
} ait_cuda;

static inline ait_cuda *ait_cuda_state(const ait_device *device) {
  return device->state;
}

/* ---- errors.c ------------------------------------------------------------------------------ */

/* AIT_OK, or the status of a failed call with its sentence: "device cuda:0: WHAT (NAME) while DOING".
 * The error is also taken from the runtime, so that no later launch reports it again. */
ait_status ait_cuda_check(const ait_device *device, cudaError_t error, const char *doing);
ait_status ait_cuda_check_blas(const ait_device *device, cublasStatus_t status, const char *doing);
ait_status ait_cuda_check_random(const ait_device *device, curandStatus_t status, const char *doing);

/* Checks a launch; with AIT_CUDA_SYNCHRONIZE (debug builds) it also waits for it, unless recording. */
ait_status ait_cuda_launched(const ait_device *device, cudaError_t error, const char *doing);

/* Makes the device the calling thread's current one; every operation begins with it. */
ait_status ait_cuda_enter(const ait_device *device);

/* The same for operations that a recording cannot hold: they fail while one is made. */
ait_status ait_cuda_enter_now(const ait_device *device, const char *doing);

/* ---- runtime.c ----------------------------------------------------------------------------- */

ait_status ait_cuda_allocate(ait_device *device, size_t bytes, void **memory);
void ait_cuda_release(ait_device *device, void *memory);
ait_status ait_cuda_fill(ait_device *device, size_t bytes, int value, void *memory);

/* Copies the pieces of a source, one behind the other, to the device; the host memory may be reused at once. */
ait_status ait_cuda_copy_in(ait_device *device, const ait_upload_source *source, void *memory);

/* ---- model.c, gemm.c, rows.c, data_pass.c, descent.c ------------------------------------------ */

ait_status ait_cuda_add_bias(ait_device *device, int64_t count, int64_t h, const ait_real *b, ait_real *z);
ait_status ait_cuda_column_sums(ait_device *device, int64_t count, int64_t h, const ait_real *r, ait_real *out);
ait_status ait_cuda_accumulate(ait_device *device, int64_t n, const ait_real *v, double *sum);
ait_status ait_cuda_round_sum(ait_device *device, int64_t n, double scale, const double *sum, ait_real *out);

ait_status ait_cuda_cross_entropy(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                  const ait_targets *targets, ait_real *logits, ait_real *r, ait_real *loss);
ait_status ait_cuda_cross_entropy_tangent(ait_device *device, int64_t count, int64_t classes, int64_t total,
                                          const ait_targets *targets, const ait_real *logits, ait_real *s,
                                          ait_real *cross, ait_real *slopes);
ait_status ait_cuda_noise_cross(ait_device *device, int64_t count, int64_t classes, const int32_t *labels,
                                const ait_real *slopes, ait_real *out);

ait_status ait_cuda_gemm(ait_device *device, const ait_gemm *gemm);

ait_status ait_cuda_upload_rows(ait_device *device, const ait_matrix *matrix, ait_row_use use, ait_rows *rows);
void ait_cuda_release_rows(ait_device *device, ait_rows *rows);
size_t ait_cuda_rows_workspace(ait_device *device, const ait_rows *rows);
ait_status ait_cuda_rows_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count, int64_t h,
                               const ait_real *w, ait_real *z, void *workspace);
ait_status ait_cuda_rows_transposed_times(ait_device *device, const ait_rows *rows, int64_t first, int64_t count,
                                          int64_t h, const ait_real *r, ait_real *g, void *workspace);

size_t ait_cuda_data_pass_workspace(ait_device *device, const ait_pass *pass);
ait_status ait_cuda_data_pass(ait_device *device, const ait_pass *pass, void *workspace);

size_t ait_cuda_descent_workspace(ait_device *device, const ait_descent *descent);
ait_status ait_cuda_rollout(ait_device *device, const ait_descent *descent, void *workspace);
ait_status ait_cuda_reverse(ait_device *device, const ait_descent *descent, void *workspace);

#endif
