// simt_support.h - what the emulation's tests share: a stream, device memory as vectors, and which
// sanitizer watches.
#ifndef SIMT_SUPPORT_H
#define SIMT_SUPPORT_H

#include <gtest/gtest.h>

#include <vector>

#include "cuda_runtime_api.h"
#include "simt.h"

namespace simt_tests {

#ifdef __SANITIZE_ADDRESS__
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif
#ifdef __SANITIZE_THREAD__
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif

// Each test has a stream and starts with the emulation as at the start of a program.
class Simt : public testing::Test {
 protected:
  void SetUp() override {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    simt::Reset();
    ASSERT_EQ(cudaSuccess, cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }

  void TearDown() override {
    cudaStreamDestroy(stream_);
    simt::Reset();
  }

  // Fresh device memory for n numbers, freed by Reset.
  template <class T = float>
  static T *Allocate(size_t n) {
    void *memory = nullptr;
    EXPECT_EQ(cudaSuccess, cudaMalloc(&memory, n * sizeof(T)));
    return static_cast<T *>(memory);
  }

  template <class T>
  T *Upload(const std::vector<T> &values) {
    T *memory = Allocate<T>(values.size());
    EXPECT_EQ(cudaSuccess,
              cudaMemcpyAsync(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, stream_));
    return memory;
  }

  template <class T>
  std::vector<T> Download(const T *memory, size_t n) {
    std::vector<T> values(n);
    EXPECT_EQ(cudaSuccess, cudaMemcpyAsync(values.data(), memory, n * sizeof(T), cudaMemcpyDeviceToHost, stream_));
    return values;
  }

  cudaError_t Synchronize() {
    return cudaStreamSynchronize(stream_);
  }

  cudaStream_t stream_ = nullptr;
};

}  // namespace simt_tests

#endif
