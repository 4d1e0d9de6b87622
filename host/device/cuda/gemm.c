/* gemm.c - matrix products of the CUDA device, by cuBLAS.
 *
 * cuBLAS is column-major. A row-major matrix with leading dimension ld is, read column by column, its
 * transpose with the same ld; so c' = op(b)' op(a)' is asked for, which swaps the operands and keeps
 * their transposes. */
#include <limits.h>

#include "device/cuda/cuda.h"

#ifdef AIT_DOUBLE
#define BLAS_GEMM         cublasDgemm
#define BLAS_GEMM_BATCHED cublasDgemmStridedBatched
#else
#define BLAS_GEMM         cublasSgemm
#define BLAS_GEMM_BATCHED cublasSgemmStridedBatched
#endif

static ait_status check_sizes(const ait_gemm *g) {
  const int64_t sizes[] = {g->m, g->n, g->k, g->lda, g->ldb, g->ldc, g->batch};
  int64_t largest = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    largest = sizes[i] > largest ? sizes[i] : largest;
  }
  if (largest > INT_MAX) {
    return ait_fail(AIT_UNSUPPORTED, "gemm: a size or leading dimension is %lld; cuBLAS takes at most %d",
                    (long long)largest, INT_MAX);
  }
  return AIT_OK;
}

/* k = 0: c = beta c, and c is not read where beta is 0. Rare, so row after row will do. */
static ait_status scale_output(ait_device *device, const ait_gemm *g, int64_t batch) {
  for (int64_t i = 0; i < batch * g->m; ++i) {
    ait_real *row = g->c + i / g->m * g->stride_c + i % g->m * g->ldc;
    const ait_term kept = {.factor = g->beta, .vector = row};
    AIT_TRY(g->beta == 0 ? ait_cuda_fill(device, (size_t)g->n * sizeof *row, 0, row)
                         : device->vector->combine(device, 1, g->n, NULL, 1, &kept, row));
  }
  return AIT_OK;
}

ait_status ait_cuda_gemm(ait_device *device, const ait_gemm *g) {
  const int64_t batch = g->batch > 0 ? g->batch : 1;
  AIT_TRY(check_sizes(g));
  if (g->m == 0 || g->n == 0) {
    return AIT_OK;
  }
  if (g->k == 0) {
    return scale_output(device, g, batch);
  }
  AIT_TRY(ait_cuda_enter(device));
  const ait_cuda *cuda = ait_cuda_state(device);
  const ait_real alpha = (ait_real)g->alpha, beta = (ait_real)g->beta;
  const cublasOperation_t op_a = g->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t op_b = g->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  const int m = (int)g->m, n = (int)g->n, k = (int)g->k, lda = (int)g->lda, ldb = (int)g->ldb, ldc = (int)g->ldc;
  const cublasStatus_t status =
      batch == 1 ? BLAS_GEMM(cuda->blas, op_b, op_a, n, m, k, &alpha, g->b, ldb, g->a, lda, &beta, g->c, ldc)
                 : BLAS_GEMM_BATCHED(cuda->blas, op_b, op_a, n, m, k, &alpha, g->b, ldb, g->stride_b, g->a, lda,
                                     g->stride_a, &beta, g->c, ldc, g->stride_c, (int)batch);
  AIT_TRY(ait_cuda_check_blas(device, status, "multiplying matrices"));
  return ait_cuda_launched(device, cudaGetLastError(), "multiplying matrices");
}
