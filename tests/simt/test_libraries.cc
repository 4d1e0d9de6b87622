// test_libraries.cc - cuBLAS and cuRAND of the emulation.
#include <algorithm>
#include <vector>

#include "cublas_v2.h"
#include "curand.h"
#include "simt_support.h"

namespace simt_tests {
namespace {

/* ---- products ------------------------------------------------------------------------------ */

class SimtBlas : public Simt {
 protected:
  void SetUp() override {
    Simt::SetUp();
    ASSERT_EQ(CUBLAS_STATUS_SUCCESS, cublasCreate(&handle_));
    ASSERT_EQ(CUBLAS_STATUS_SUCCESS, cublasSetStream(handle_, stream_));
    ASSERT_EQ(CUBLAS_STATUS_SUCCESS, cublasSetMathMode(handle_, CUBLAS_DEFAULT_MATH));
  }
  void TearDown() override {
    cublasDestroy(handle_);
    Simt::TearDown();
  }
  cublasHandle_t handle_ = nullptr;
};

// Small integers, so that every product is exact.
template <class T>
std::vector<T> Integers(size_t n) {
  std::vector<T> values(n);
  for (size_t i = 0; i < n; ++i) {
    values[i] = static_cast<T>((i * 7 + 3) % 11) - 5;
  }
  return values;
}

cublasStatus_t Gemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                    const float *alpha, const float *a, int lda, long long stride_a, const float *b, int ldb,
                    long long stride_b, const float *beta, float *c, int ldc, long long stride_c, int batch) {
  return cublasSgemmStridedBatched(handle, op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc,
                                   stride_c, batch);
}
cublasStatus_t Gemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                    const double *alpha, const double *a, int lda, long long stride_a, const double *b, int ldb,
                    long long stride_b, const double *beta, double *c, int ldc, long long stride_c, int batch) {
  return cublasDgemmStridedBatched(handle, op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc,
                                   stride_c, batch);
}

// Two products 3 x 2 of inner length 4, in every combination of transposes, against plain loops.
template <class T>
void CompareProducts(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, const T *a, const T *b,
                     T *c, std::vector<T> *expected) {
  constexpr int kM = 3, kN = 2, kK = 4, kBatch = 2, kLda = 5, kLdb = 6, kLdc = 3;
  constexpr long long kStrideA = 20, kStrideB = 24, kStrideC = 6;
  const std::vector<T> host_a = Integers<T>(40), host_b = Integers<T>(48);
  T alpha = 2, beta = -1;
  ASSERT_EQ(CUBLAS_STATUS_SUCCESS, Gemm(handle, op_a, op_b, kM, kN, kK, &alpha, a, kLda, kStrideA, b, kLdb, kStrideB,
                                        &beta, c, kLdc, kStrideC, kBatch));
  for (int batch = 0; batch < kBatch; ++batch) {
    for (int i = 0; i < kM; ++i) {
      for (int j = 0; j < kN; ++j) {
        T sum = 0;
        for (int l = 0; l < kK; ++l) {
          const int at_a = op_a == CUBLAS_OP_N ? i + l * kLda : l + i * kLda;
          const int at_b = op_b == CUBLAS_OP_N ? l + j * kLdb : j + l * kLdb;
          sum += host_a[static_cast<size_t>(batch * kStrideA + at_a)] *
                 host_b[static_cast<size_t>(batch * kStrideB + at_b)];
        }
        T &entry = (*expected)[static_cast<size_t>(batch * kStrideC + i + j * kLdc)];
        entry = alpha * sum + beta * entry;
      }
    }
  }
  alpha = beta = 1000;  // were read at the call
}

TEST_F(SimtBlas, MultipliesAsPlainLoopsDo) {
  const auto compare = [this](auto zero) {
    using T = decltype(zero);
    for (const cublasOperation_t op_a : {CUBLAS_OP_N, CUBLAS_OP_T}) {
      for (const cublasOperation_t op_b : {CUBLAS_OP_N, CUBLAS_OP_T}) {
        std::vector<T> expected = Integers<T>(12);
        const T *a = Upload(Integers<T>(40)), *b = Upload(Integers<T>(48));
        T *c = Upload(expected);
        CompareProducts(handle_, op_a, op_b, a, b, c, &expected);
        EXPECT_EQ(expected, Download(c, 12)) << op_a << op_b;
      }
    }
  };
  compare(0.0f);
  compare(0.0);
}

TEST_F(SimtBlas, DoesNotReadTheTargetWithoutBeta) {
  const float alpha = 1, beta = 0;
  const float *a = Upload(std::vector<float>{2}), *b = Upload(std::vector<float>{3});
  float *c = Allocate(1);
  ASSERT_EQ(CUBLAS_STATUS_SUCCESS,
            cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, a, 1, b, 1, &beta, c, 1));
  EXPECT_EQ(6.0f, Download(c, 1)[0]);
}

TEST_F(SimtBlas, RefusesWrongShapesAndFindsShortMatrices) {
  const double alpha = 1, beta = 0;
  const double *a = Upload(Integers<double>(6)), *b = Upload(Integers<double>(6));
  double *c = Allocate<double>(9);
  const auto multiply = [&](int lda, const double *from) {
    return cublasDgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 3, 3, 2, &alpha, from, lda, b, 2, &beta, c, 3);
  };
  EXPECT_EQ(CUBLAS_STATUS_INVALID_VALUE, multiply(2, a));
  EXPECT_EQ(CUBLAS_STATUS_SUCCESS, multiply(3, a));
  EXPECT_EQ(cudaSuccess, Synchronize());
  EXPECT_DEATH(
      {
        multiply(3, a + 1);
        Synchronize();
      },
      "simt: gemm: the matrix a");
}

TEST_F(SimtBlas, TellsErrors) {
  EXPECT_EQ(CUBLAS_STATUS_INVALID_VALUE, cublasSetWorkspace(handle_, &handle_, 1));
  EXPECT_EQ(CUBLAS_STATUS_SUCCESS, cublasSetWorkspace(handle_, Allocate(64), 256));
  EXPECT_STREQ("CUBLAS_STATUS_EXECUTION_FAILED", cublasGetStatusString(CUBLAS_STATUS_EXECUTION_FAILED));
  simt::FailNext(cudaErrorLaunchFailure);
  Synchronize();
  const float one = 1;
  EXPECT_EQ(CUBLAS_STATUS_EXECUTION_FAILED,
            cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, nullptr, 1, nullptr, 1, &one, nullptr, 1));
}

/* ---- random words -------------------------------------------------------------------------- */

class SimtRandom : public Simt {
 protected:
  // `count` words from word `offset` of the sequence of a seed.
  std::vector<unsigned> Draw(unsigned long long seed, unsigned long long offset, size_t count) {
    curandGenerator_t generator = nullptr;
    unsigned *words = Allocate<unsigned>(count);
    EXPECT_EQ(CURAND_STATUS_SUCCESS, curandCreateGenerator(&generator, CURAND_RNG_PSEUDO_PHILOX4_32_10));
    EXPECT_EQ(CURAND_STATUS_SUCCESS, curandSetStream(generator, stream_));
    EXPECT_EQ(CURAND_STATUS_SUCCESS, curandSetPseudoRandomGeneratorSeed(generator, seed));
    EXPECT_EQ(CURAND_STATUS_SUCCESS, curandSetGeneratorOffset(generator, offset));
    EXPECT_EQ(CURAND_STATUS_SUCCESS, curandGenerate(generator, words, count));
    EXPECT_EQ(CURAND_STATUS_LAUNCH_FAILURE, curandGenerate(generator, words, count + 1)) << "past the end";
    EXPECT_EQ(CURAND_STATUS_SUCCESS, curandDestroyGenerator(generator));
    return Download(words, count);
  }
};

TEST_F(SimtRandom, WordsDependOnSeedAndOffsetAlone) {
  const std::vector<unsigned> words = Draw(7, 0, 1000);
  EXPECT_EQ(words, Draw(7, 0, 1000));
  EXPECT_NE(words, Draw(8, 0, 1000));
  EXPECT_EQ(std::vector<unsigned>(words.begin() + 300, words.end()), Draw(7, 300, 700));
}

TEST_F(SimtRandom, WordsAreSpreadOut) {
  std::vector<unsigned> words = Draw(1, 0, 10000);
  double sum = 0;
  for (const unsigned word : words) {
    sum += word / 4294967296.0;
  }
  // Mean of uniform numbers: standard deviation 1 / sqrt(12 * 10000) = 0.0029; five of them.
  EXPECT_NEAR(0.5, sum / 10000, 0.0145);
  std::sort(words.begin(), words.end());
  // Of 10000 words 5 * 10^7 / 2^32 = 0.012 pairs are equal on average.
  EXPECT_GE(std::unique(words.begin(), words.end()) - words.begin(), 9998);
}

}  // namespace
}  // namespace simt_tests
