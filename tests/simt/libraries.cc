// libraries.cc - cuBLAS by OpenBLAS, and cuRAND by a hash of a counter, queued on their streams.
#include <cblas.h>

#include <algorithm>
#include <cstdint>

#include "cublas_v2.h"
#include "curand.h"
#include "heap.h"
#include "report.h"
#include "runtime.h"
#include "stream.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
};

struct curandGenerator_st {
  cudaStream_t stream = nullptr;
  uint64_t seed = 0, offset = 0;
};

namespace {

using simt::Call;

/* ---- products ------------------------------------------------------------------------------ */

// c = alpha op(a) op(b) + beta c, column-major, `batch` times with strides in entries.
template <class T>
struct Product {
  cublasOperation_t op_a, op_b;
  int64_t m, n, k;
  T alpha;
  const T *a;
  int64_t lda, stride_a;
  const T *b;
  int64_t ldb, stride_b;
  T beta;
  T *c;
  int64_t ldc, stride_c;
  int64_t batch;
};

template <class T>
bool IsValid(const Product<T> &p) {
  const auto least = [](int64_t rows) { return std::max<int64_t>(1, rows); };
  return p.m >= 0 && p.n >= 0 && p.k >= 0 && p.batch >= 0 && p.lda >= least(p.op_a == CUBLAS_OP_N ? p.m : p.k) &&
         p.ldb >= least(p.op_b == CUBLAS_OP_N ? p.k : p.n) && p.ldc >= least(p.m);
}

// The sanitizers do not see into OpenBLAS.
template <class T>
void CheckMatrix(const char *name, const T *matrix, int64_t rows, int64_t columns, int64_t ld) {
  if (rows == 0 || columns == 0) {
    return;
  }
  const int64_t entries = (columns - 1) * ld + rows;
  if (!simt::DeviceHeap().Holds(matrix, static_cast<size_t>(entries) * sizeof(T))) {
    simt::Die("gemm: the matrix %s (%lld x %lld, leading dimension %lld) is not inside one device allocation", name,
              static_cast<long long>(rows), static_cast<long long>(columns), static_cast<long long>(ld));
  }
}

CBLAS_TRANSPOSE Transpose(cublasOperation_t op) {
  return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
}

blasint Int(int64_t value) {
  return static_cast<blasint>(value);
}

void Multiply(const Product<float> &p, const float *a, const float *b, float *c) {
  cblas_sgemm(CblasColMajor, Transpose(p.op_a), Transpose(p.op_b), Int(p.m), Int(p.n), Int(p.k), p.alpha, a, Int(p.lda),
              b, Int(p.ldb), p.beta, c, Int(p.ldc));
}

void Multiply(const Product<double> &p, const double *a, const double *b, double *c) {
  cblas_dgemm(CblasColMajor, Transpose(p.op_a), Transpose(p.op_b), Int(p.m), Int(p.n), Int(p.k), p.alpha, a, Int(p.lda),
              b, Int(p.ldb), p.beta, c, Int(p.ldc));
}

template <class T>
void MultiplyAll(const Product<T> &p) {
  const int threads = openblas_get_num_threads();
  openblas_set_num_threads(1);  // one order of summation
  const bool as_stored_a = p.op_a == CUBLAS_OP_N, as_stored_b = p.op_b == CUBLAS_OP_N;
  for (int64_t i = 0; i < p.batch; ++i) {
    const T *a = p.a + i * p.stride_a, *b = p.b + i * p.stride_b;
    T *c = p.c + i * p.stride_c;
    CheckMatrix("a", a, as_stored_a ? p.m : p.k, as_stored_a ? p.k : p.m, p.lda);
    CheckMatrix("b", b, as_stored_b ? p.k : p.n, as_stored_b ? p.n : p.k, p.ldb);
    CheckMatrix("c", c, p.m, p.n, p.ldc);
    Multiply(p, a, b, c);
  }
  openblas_set_num_threads(threads);
}

cublasStatus_t BlasStatus(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return CUBLAS_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation:
      return CUBLAS_STATUS_ALLOC_FAILED;
    case cudaErrorInvalidValue:
      return CUBLAS_STATUS_INVALID_VALUE;
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      return CUBLAS_STATUS_NOT_INITIALIZED;
    default:
      return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

template <class T>
cublasStatus_t QueueProduct(cublasHandle_t handle, const Product<T> &product) {
  return BlasStatus(Call([&] {
    if (!IsValid(product)) {
      return cudaErrorInvalidValue;
    }
    return simt::Enqueue(handle->stream, {simt::Work::kOther, [product] { MultiplyAll(product); }});
  }));
}

/* ---- random words -------------------------------------------------------------------------- */

// A bijection of 64-bit words that mixes all bits.
uint64_t Mix(uint64_t word) {
  for (int i = 0; i < 3; ++i) {
    word = (word ^ word >> 32) * UINT64_C(0xD6E8FEB86659FD93);
  }
  return word ^ word >> 32;
}

curandStatus_t RandomStatus(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return CURAND_STATUS_SUCCESS;
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      return CURAND_STATUS_INITIALIZATION_FAILED;
    default:
      return CURAND_STATUS_LAUNCH_FAILURE;
  }
}

}  // namespace

/* ---- cuBLAS -------------------------------------------------------------------------------- */

const char *cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
  }
  return "unknown status";
}

cublasStatus_t cublasCreate(cublasHandle_t *handle) {
  *handle = nullptr;
  return BlasStatus(Call([&] {
    *handle = new cublasContext;
    return cudaSuccess;
  }));
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

// Nothing here needs the workspace, but it must be what a GPU could use.
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *workspace, size_t bytes) {
  const bool usable = bytes == 0 || simt::DeviceHeap().Holds(workspace, bytes);
  return usable ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

// Products are in full precision in every mode.
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t mode) {
  const bool known = mode == CUBLAS_DEFAULT_MATH || mode == CUBLAS_TF32_TENSOR_OP_MATH;
  return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                           const float *alpha, const float *a, int lda, const float *b, int ldb, const float *beta,
                           float *c, int ldc) {
  return cublasSgemmStridedBatched(handle, op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}

cublasStatus_t cublasDgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                           const double *alpha, const double *a, int lda, const double *b, int ldb, const double *beta,
                           double *c, int ldc) {
  return cublasDgemmStridedBatched(handle, op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                                         int n, int k, const float *alpha, const float *a, int lda, long long stride_a,
                                         const float *b, int ldb, long long stride_b, const float *beta, float *c,
                                         int ldc, long long stride_c, int batch) {
  return QueueProduct<float>(
      handle, {op_a, op_b, m, n, k, *alpha, a, lda, stride_a, b, ldb, stride_b, *beta, c, ldc, stride_c, batch});
}

cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                                         int n, int k, const double *alpha, const double *a, int lda,
                                         long long stride_a, const double *b, int ldb, long long stride_b,
                                         const double *beta, double *c, int ldc, long long stride_c, int batch) {
  return QueueProduct<double>(
      handle, {op_a, op_b, m, n, k, *alpha, a, lda, stride_a, b, ldb, stride_b, *beta, c, ldc, stride_c, batch});
}

/* ---- cuRAND -------------------------------------------------------------------------------- */

curandStatus_t curandCreateGenerator(curandGenerator_t *generator, curandRngType_t type) {
  *generator = nullptr;
  if (type != CURAND_RNG_PSEUDO_PHILOX4_32_10) {
    return CURAND_STATUS_TYPE_ERROR;
  }
  return RandomStatus(Call([&] {
    *generator = new curandGenerator_st;
    return cudaSuccess;
  }));
}

curandStatus_t curandDestroyGenerator(curandGenerator_t generator) {
  delete generator;
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandSetStream(curandGenerator_t generator, cudaStream_t stream) {
  generator->stream = stream;
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator, unsigned long long seed) {
  generator->seed = seed;
  generator->offset = 0;
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandSetGeneratorOffset(curandGenerator_t generator, unsigned long long offset) {
  generator->offset = offset;
  return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandGenerate(curandGenerator_t generator, unsigned int *words, size_t count) {
  return RandomStatus(Call([&] {
    if (!simt::DeviceHeap().Holds(words, count * sizeof *words)) {
      return cudaErrorInvalidValue;
    }
    const uint64_t key = Mix(generator->seed), first = generator->offset;
    generator->offset += count;
    return simt::Enqueue(generator->stream, {simt::Work::kOther, [=] {
                                               for (size_t i = 0; i < count; ++i) {
                                                 words[i] = static_cast<unsigned>(Mix(key + first + i) >> 32);
                                               }
                                             }});
  }));
}
