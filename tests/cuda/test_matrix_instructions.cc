/* The instructions of kernels/matrix.cuh beside plain loops over integers: in the emulation, which could agree with its
 * own wrong layout, and on a GPU, which says which layout is right. */
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "device/device.h"
#include "matrix.h"

namespace {

using Bytes = std::vector<uint8_t>;

class MatrixInstructions : public testing::Test {
 protected:
  void SetUp() override {
    int32_t count = 0;
    if (ait_device_count_cuda(&count) != AIT_OK) {
      GTEST_SKIP() << ait_last_error();
    }
    ASSERT_EQ(cudaSuccess, cudaSetDevice(0));
    ASSERT_EQ(cudaSuccess, cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }

  void TearDown() override {
    for (void *memory : allocated_) {
      EXPECT_EQ(cudaSuccess, cudaFree(memory));
    }
    if (stream_ != nullptr) {
      EXPECT_EQ(cudaSuccess, cudaStreamDestroy(stream_));
    }
  }

  template <class T>
  T *Upload(const std::vector<T> &values) {
    void *memory = nullptr;
    EXPECT_EQ(cudaSuccess, cudaMalloc(&memory, values.size() * sizeof(T)));
    allocated_.push_back(memory);
    EXPECT_EQ(cudaSuccess,
              cudaMemcpyAsync(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, stream_));
    return static_cast<T *>(memory);
  }

  template <class T>
  std::vector<T> Download(const T *memory, size_t n) {
    std::vector<T> values(n);
    EXPECT_EQ(cudaSuccess, cudaMemcpyAsync(values.data(), memory, n * sizeof(T), cudaMemcpyDeviceToHost, stream_));
    EXPECT_EQ(cudaSuccess, cudaStreamSynchronize(stream_));
    return values;
  }

  template <class T>
  std::vector<T> Random(size_t n) {
    std::vector<T> values(n);
    for (T &value : values) {
      value = static_cast<T>(engine_());
    }
    return values;
  }

  std::mt19937 engine_{11};
  cudaStream_t stream_ = nullptr;
  std::vector<void *> allocated_;
};

TEST_F(MatrixInstructions, ProductsOfBytesAreThoseOfIntegers) {
  const Bytes a = Random<uint8_t>(16 * 32);
  const std::vector<int8_t> b = Random<int8_t>(8 * 32);
  const std::vector<int32_t> before = Random<int32_t>(16 * 8);
  std::vector<int32_t> start(before), expected;
  for (int i = 0; i < 16 * 8; ++i) {
    start[i] = before[i] / 4;
    int32_t sum = start[i];
    for (int k = 0; k < 32; ++k) {
      sum += a[i / 8 * 32 + k] * b[i % 8 * 32 + k];
    }
    expected.push_back(sum);
  }
  int32_t *sum = Upload(start);
  ASSERT_EQ(cudaSuccess, run_multiply_bytes(stream_, Upload(a), Upload(b), sum));
  EXPECT_EQ(expected, Download(sum, 16 * 8));
}

TEST_F(MatrixInstructions, LargestProductsKeepTheirSigns) {
  for (int8_t factor : {int8_t{-128}, int8_t{127}}) {
    int32_t *sum = Upload(std::vector<int32_t>(16 * 8, 0));
    ASSERT_EQ(cudaSuccess, run_multiply_bytes(stream_, Upload(Bytes(16 * 32, 255)),
                                              Upload(std::vector<int8_t>(8 * 32, factor)), sum));
    EXPECT_EQ(std::vector<int32_t>(16 * 8, 32 * 255 * factor), Download(sum, 16 * 8));
  }
}

TEST_F(MatrixInstructions, LoadsGiveEachLaneItsPartOfAMatrix) {
  const Bytes rows = Random<uint8_t>(32 * 16);
  for (bool transposed : {false, true}) {
    for (int stride : {16, 48}) {
      std::vector<uint32_t> expected;
      for (int lane = 0; lane < 32; ++lane) {
        const int g = lane / 4, q = lane % 4;
        for (int i = 0; i < 4; ++i) {
          const auto half = [&](int row, int column) {
            const uint8_t *at = &rows[16 * (8 * i + row) + 2 * column];
            return static_cast<uint32_t>(at[0] | at[1] << 8);
          };
          const uint32_t low = transposed ? half(2 * q, g) : half(g, 2 * q);
          const uint32_t high = transposed ? half(2 * q + 1, g) : half(g, 2 * q + 1);
          expected.push_back(low | high << 16);
        }
      }
      uint32_t *words = Upload(std::vector<uint32_t>(128, 0));
      ASSERT_EQ(cudaSuccess, run_load(stream_, transposed, stride, Upload(rows), words));
      EXPECT_EQ(expected, Download(words, 128)) << "transposed " << transposed << ", stride " << stride;
    }
  }
}

TEST_F(MatrixInstructions, ProductsOverRowsNeedNoTransposedCopy) {
  const Bytes u = Random<uint8_t>(32 * 16);
  const std::vector<int8_t> r = Random<int8_t>(32 * 8);
  std::vector<int32_t> expected;
  for (int j = 0; j < 16; ++j) {
    for (int c = 0; c < 8; ++c) {
      int32_t sum = 0;
      for (int i = 0; i < 32; ++i) {
        sum += u[16 * i + j] * r[8 * i + c];
      }
      expected.push_back(sum);
    }
  }
  int32_t *sum = Upload(std::vector<int32_t>(16 * 8, 0));
  ASSERT_EQ(cudaSuccess, run_transposed_product(stream_, Upload(u), Upload(r), sum));
  EXPECT_EQ(expected, Download(sum, 16 * 8));
}

TEST_F(MatrixInstructions, CopiesBringTheirBytes) {
  const Bytes bytes = Random<uint8_t>(512);
  uint8_t *to = Upload(Bytes(512, 0));
  ASSERT_EQ(cudaSuccess, run_copy(stream_, Upload(bytes), to));
  EXPECT_EQ(bytes, Download(to, 512));
}

TEST_F(MatrixInstructions, PicksTheBytesThatTheSelectorNames) {
  const std::vector<uint32_t> low = Random<uint32_t>(32), high = Random<uint32_t>(32);
  for (uint32_t selector : {0x3210u, 0x7654u, 0x6420u, 0x7531u, 0x0000u, 0x1274u}) {
    std::vector<uint32_t> expected;
    for (int i = 0; i < 32; ++i) {
      uint32_t word = 0;
      for (int k = 0; k < 4; ++k) {
        const uint32_t place = selector >> 4 * k & 7;
        word |= ((place < 4 ? low[i] >> 8 * place : high[i] >> 8 * (place - 4)) & 0xFF) << 8 * k;
      }
      expected.push_back(word);
    }
    uint32_t *out = Upload(std::vector<uint32_t>(32, 0));
    ASSERT_EQ(cudaSuccess, run_pick(stream_, selector, Upload(low), Upload(high), out));
    EXPECT_EQ(expected, Download(out, 32)) << std::hex << selector;
  }
}

}  // namespace
