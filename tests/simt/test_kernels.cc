// test_kernels.cc - kernels run as they should, and every detector of faulty ones finds its fault and
// leaves the correct twin alone.
#include <signal.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "faults.h"
#include "simt_support.h"

#ifdef __SANITIZE_THREAD__
extern "C" const char *__tsan_default_options();
extern "C" const char *__tsan_default_options() {
  return "halt_on_error=1";
}
#endif

namespace simt_tests {
namespace {

using faults::Omit;
using Floats = std::vector<float>;

Floats Iota(size_t n) {
  Floats values(n);
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

/* ---- correct kernels ----------------------------------------------------------------------- */

TEST_F(Simt, RunsEveryThreadOnce) {
  const unsigned shapes[][6] = {{1, 1, 1, 1, 1, 1}, {5, 1, 1, 33, 1, 1}, {2, 3, 4, 5, 6, 7}, {1, 1, 1, 1024, 1, 1}};
  for (const unsigned *shape : shapes) {
    const size_t n = size_t{1} * shape[0] * shape[1] * shape[2] * shape[3] * shape[4] * shape[5];
    std::vector<int> expected(n);
    std::iota(expected.begin(), expected.end(), 0);
    int *out = Allocate<int>(n);
    faults::Number(stream_, shape, shape + 3, out);
    ASSERT_EQ(cudaSuccess, cudaGetLastError());
    EXPECT_EQ(expected, Download(out, n));
  }
}

TEST_F(Simt, SumsWithBarriers) {
  for (const size_t n : {0, 1, 255, 256, 257, 1000}) {
    float *v = Upload(n == 0 ? Floats{0} : Iota(n)), *out = Allocate(1);
    faults::Sum(stream_, static_cast<int64_t>(n), v, out);
    const double expected = n == 0 ? 0 : static_cast<double>(n) * static_cast<double>(n - 1) / 2;
    EXPECT_EQ(static_cast<float>(expected), Download(out, 1)[0]);  // integers below 2^24: exact
  }
}

TEST_F(Simt, PassesManyBarriersInBlocksOfAnySize) {
  float *out = Allocate(3 * 256);
  faults::Barriers(stream_, 3, 20, out);
  EXPECT_EQ(Floats(3 * 256, 20.0f), Download(out, 3 * 256));
  for (const unsigned n : {1, 2, 31, 1024}) {
    Floats expected = Iota(n);
    float *v = Upload(expected);
    faults::Reverse(stream_, n, 1, Omit::kNothing, v);
    EXPECT_EQ(Floats(expected.rbegin(), expected.rend()), Download(v, n));
  }
}

TEST_F(Simt, AddsAtomically) {
  int *a = Upload(std::vector<int>{-5});
  unsigned *b = Upload(std::vector<unsigned>{1});
  unsigned long long *c = Upload(std::vector<unsigned long long>{1ULL << 40});
  faults::Count(stream_, 3, a, b, c);
  EXPECT_EQ(3 * 256 - 5, Download(a, 1)[0]);
  EXPECT_EQ(3 * 256 + 1u, Download(b, 1)[0]);
  EXPECT_EQ(3 * 256 + (1ULL << 40), Download(c, 1)[0]);
}

TEST_F(Simt, KeepsSignalsBlocked) {
  float *out = Allocate(256);
  faults::Fill(stream_, 256, 1, out);  // makes fibers that the next kernel is the first to start
  ASSERT_EQ(cudaSuccess, Synchronize());
  sigset_t signals, before, after;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &signals, &before));
  faults::Barriers(stream_, 1, 1, out);
  ASSERT_EQ(cudaSuccess, Synchronize());
  ASSERT_EQ(0, pthread_sigmask(SIG_SETMASK, &before, &after));
  EXPECT_TRUE(sigismember(&after, SIGUSR1));
}

/* ---- past the end -------------------------------------------------------------------------- */

TEST_F(Simt, FindsAWritePastTheEndOfGlobalMemory) {
  for (const size_t n : {1, 63, 64, 100, 1000}) {
    float *out = Allocate(n);
    faults::Fill(stream_, static_cast<int64_t>(n), 1, out);
    ASSERT_EQ(cudaSuccess, Synchronize());
    EXPECT_DEATH(
        {
          faults::Fill(stream_, static_cast<int64_t>(n) + 1, 1, out);
          Synchronize();
        },
        kAddressSanitizer ? "use-after-poison" : "simt: a write 0 bytes past the end");
  }
}

TEST_F(Simt, FindsAReadPastTheEndOfGlobalMemory) {
  float *v = Upload(Iota(100)), *out = Allocate(1);
  faults::Sum(stream_, 100, v, out);
  EXPECT_EQ(4950.0f, Download(out, 1)[0]);
  if (kAddressSanitizer) {
    EXPECT_DEATH(
        {
          faults::Sum(stream_, 101, v, out);
          Synchronize();
        },
        "use-after-poison");
  } else {
    faults::Sum(stream_, 101, v, out);
    EXPECT_TRUE(std::isnan(Download(out, 1)[0]));
  }
}

TEST_F(Simt, FindsAUseOfFreedMemory) {
  float *v = Upload(Iota(10)), *out = Allocate(1);
  ASSERT_EQ(cudaSuccess, cudaFree(v));
  if (kAddressSanitizer) {
    EXPECT_DEATH(
        {
          faults::Sum(stream_, 10, v, out);
          Synchronize();
        },
        "use-after-poison");
  } else {
    faults::Sum(stream_, 10, v, out);
    EXPECT_TRUE(std::isnan(Download(out, 1)[0]));
  }
}

TEST_F(Simt, FindsAWritePastTheEndOfSharedMemory) {
  for (const unsigned n : {1, 32, 250}) {
    float *out = Allocate(n);
    faults::FillShared(stream_, n, 0, out);
    EXPECT_EQ(Iota(n), Download(out, n));
    EXPECT_DEATH(
        {
          faults::FillShared(stream_, n, 1, out);
          Synchronize();
        },
        kAddressSanitizer ? "heap-buffer-overflow"
                          : "simt: .*FillSharedKernel.*block \\(0, 0, 0\\): a write 0 bytes past the end");
  }
}

/* ---- barriers ------------------------------------------------------------------------------ */

TEST_F(Simt, FindsAMissingBarrier) {
  const Floats values = Iota(64), reversed(values.rbegin(), values.rend());
  float *v = Upload(values);
  faults::Reverse(stream_, 64, 3, Omit::kNothing, v);
  EXPECT_EQ(reversed, Download(v, 64));
  for (const Omit omit : {Omit::kAfterWriting, Omit::kAfterReading}) {
    if (kThreadSanitizer) {
      EXPECT_DEATH(
          {
            faults::Reverse(stream_, 64, 3, omit, v);
            Synchronize();
          },
          "data race");
    } else {
      float *w = Upload(values);
      faults::Reverse(stream_, 64, 3, omit, w);
      EXPECT_NE(reversed, Download(w, 64)) << "each thread runs ahead of those after it";
    }
  }
}

TEST_F(Simt, FindsARaceBetweenBlocks) {
  float *out = Allocate(2);
  faults::WriteFromBlocks(stream_, false, out);
  EXPECT_EQ(Floats(2, 1.0f), Download(out, 2));
  if (!kThreadSanitizer) {
    GTEST_SKIP() << "only ThreadSanitizer sees it";
  }
  EXPECT_DEATH(
      {
        faults::WriteFromBlocks(stream_, true, out);
        Synchronize();
      },
      "data race");
}

TEST_F(Simt, OrdersLaunchesAndCopies) {
  // The same memory by different threads of consecutive launches, and by the host: no race.
  const Floats values = Iota(256);
  float *v = Upload(values);
  for (int i = 0; i < 3; ++i) {
    faults::Reverse(stream_, 256, 1, Omit::kNothing, v);
    faults::Fill(stream_, 1, 5, v + i);
  }
  Floats expected(values.rbegin(), values.rend());
  expected[2] = 5;
  expected[254] = 5;
  expected[0] = 5;
  EXPECT_EQ(expected, Download(v, 256));
}

TEST_F(Simt, FindsABarrierThatSomeThreadsSkip) {
  for (const unsigned live : {31u, 1u}) {
    faults::BarrierForSome(stream_, 32, 32);
    faults::BarrierForSome(stream_, 32, 0);
    ASSERT_EQ(cudaSuccess, Synchronize());
    EXPECT_DEATH(
        {
          faults::BarrierForSome(stream_, 32, live);
          Synchronize();
        },
        "simt: .*faults.cu:[0-9]+: SomeKernel, block \\(1, 0, 0\\): " + std::to_string(live) +
            " of 32 threads have come to this barrier; the others have ended");
  }
}

TEST_F(Simt, FindsThreadsAtDifferentBarriers) {
  faults::BarrierInBranches(stream_, 33, false);
  ASSERT_EQ(cudaSuccess, Synchronize());
  EXPECT_DEATH(
      {
        faults::BarrierInBranches(stream_, 33, true);
        Synchronize();
      },
      "simt: .*faults.cu:[0-9]+: BranchesKernel, block \\(1, 0, 0\\): 17 of 33 threads have come to this barrier; "
      "others wait at .*faults.cu:[0-9]+");
}

/* ---- cooperative launches, warps, asynchronous copies ---------------------------------------- */

TEST_F(Simt, BlocksOfACooperativeLaunchExchangeNumbers) {
  for (const unsigned blocks : {1u, 2u, 4u}) {
    for (const unsigned n : {1u, 33u, 256u}) {
      int *v = Allocate<int>(blocks * n);
      ASSERT_EQ(cudaSuccess, faults::Exchange(stream_, blocks, n, 40 << 10, 5, faults::OmitGrid::kNothing, v));
      EXPECT_EQ(std::vector<int>(blocks * n, 5), Download(v, blocks * n)) << blocks << " x " << n;
    }
  }
}

TEST_F(Simt, FindsAMissingBarrierOfTheGrid) {
  int *v = Allocate<int>(4 * 32);
  if (kThreadSanitizer) {
    EXPECT_DEATH(
        {
          faults::Exchange(stream_, 4, 32, 0, 3, faults::OmitGrid::kAfterWriting, v);
          Synchronize();
        },
        "data race");
  } else {
    faults::Exchange(stream_, 4, 32, 0, 3, faults::OmitGrid::kAfterWriting, v);
    EXPECT_NE(std::vector<int>(4 * 32, 3), Download(v, 4 * 32)) << "the first block runs ahead of the others";
  }
}

TEST_F(Simt, FindsABlockThatSkipsABarrierOfTheGrid) {
  int *v = Allocate<int>(3 * 32);
  EXPECT_DEATH(
      {
        faults::Exchange(stream_, 3, 32, 0, 1, faults::OmitGrid::kInTheLastBlock, v);
        Synchronize();
      },
      "simt: .*faults.cu:[0-9]+: ExchangeKernel, block \\(0, 0, 0\\): 64 of 96 threads of the grid have come to this "
      "barrier; the others have ended");
  EXPECT_DEATH(
      {
        faults::ExchangeAlone(stream_, v);
        Synchronize();
      },
      "ExchangeKernel comes to a barrier of the grid and was not launched cooperatively");
}

TEST_F(Simt, RefusesACooperativeLaunchThatDoesNotFit) {
  int *v = Allocate<int>(8 * 1024);
  struct {
    unsigned blocks, threads;
    size_t shared_bytes;
    cudaError_t error;
  } const cases[] = {{4, 64, 227 << 10, cudaSuccess},
                     {5, 32, 120 << 10, cudaErrorCooperativeLaunchTooLarge},
                     {8, 64, 0, cudaSuccess},
                     {9, 1024, 0, cudaErrorCooperativeLaunchTooLarge},
                     {1, 32, (227 << 10) + 1, cudaErrorInvalidValue}};
  for (const auto &c : cases) {
    EXPECT_EQ(c.error, faults::Exchange(stream_, c.blocks, c.threads, c.shared_bytes, 1, faults::OmitGrid::kNothing, v))
        << c.blocks << " x " << c.threads << ", " << c.shared_bytes;
    EXPECT_EQ(c.error, cudaGetLastError());
  }
  simt::SetSharedMemory(50 << 10);
  EXPECT_EQ(cudaErrorInvalidValue, faults::Exchange(stream_, 1, 32, 51 << 10, 1, faults::OmitGrid::kNothing, v));
}

TEST_F(Simt, SumsOverWarps) {
  for (const unsigned n : {32u, 256u, 1024u}) {
    int *out = Allocate<int>(n);
    faults::SumOfWarp(stream_, n, 32, out);
    std::vector<int> expected(n);
    for (unsigned i = 0; i < n; ++i) {
      expected[i] = static_cast<int>(32 * (i / 32 * 32) + 31 * 16);
    }
    EXPECT_EQ(expected, Download(out, n));
  }
}

TEST_F(Simt, FindsLanesThatDoNotComeToACollective) {
  int *out = Allocate<int>(96);
  faults::SumOfWarp(stream_, 96, 0, out);  // a whole warp that does not come is right
  ASSERT_EQ(cudaSuccess, Synchronize());
  EXPECT_DEATH(
      {
        faults::SumOfWarp(stream_, 96, 20, out);
        Synchronize();
      },
      "20 of 32 threads of the warp have come to this barrier; the others have ended");
}

TEST_F(Simt, FindsAnAsynchronousCopyThatIsNotWaitedFor) {
  std::vector<int> values(4 * 32);
  std::iota(values.begin(), values.end(), 7);
  int *v = Upload(values), *out = Allocate<int>(values.size());
  std::vector<int> turned(values.begin() + 4, values.end());
  turned.insert(turned.end(), values.begin(), values.begin() + 4);
  faults::CopyThroughShared(stream_, 32, faults::OmitCopy::kNothing, v, out);
  EXPECT_EQ(turned, Download(out, values.size()));
  faults::CopyThroughShared(stream_, 32, faults::OmitCopy::kWait, v, out);
  EXPECT_EQ(std::vector<int>(values.size(), -1), Download(out, values.size()));
  if (kThreadSanitizer) {
    EXPECT_DEATH(
        {
          faults::CopyThroughShared(stream_, 32, faults::OmitCopy::kBarrier, v, out);
          Synchronize();
        },
        "data race");
  } else {
    faults::CopyThroughShared(stream_, 32, faults::OmitCopy::kBarrier, v, out);
    EXPECT_NE(turned, Download(out, values.size()));
  }
}

/* ---- reads before writes ------------------------------------------------------------------- */

TEST_F(Simt, SharedMemoryIsNanBeforeAWrite) {
  float *out = Allocate(1);
  faults::SumShared(stream_, 7, 7, out);
  EXPECT_EQ(7.0f, Download(out, 1)[0]);
  faults::SumShared(stream_, 7, 6, out);  // the same bytes, written by the launch before
  EXPECT_TRUE(std::isnan(Download(out, 1)[0]));
}

TEST_F(Simt, DeviceMemoryIsNanBeforeAWrite) {
  float *v = Allocate(10), *out = Allocate(1);
  faults::Sum(stream_, 10, v, out);
  EXPECT_TRUE(std::isnan(Download(out, 1)[0]));
  faults::Fill(stream_, 10, 1, v);
  faults::Sum(stream_, 10, v, out);
  EXPECT_EQ(10.0f, Download(out, 1)[0]);
  ASSERT_EQ(cudaSuccess, cudaFree(v));
  EXPECT_TRUE(std::isnan(Download(Allocate(10), 10)[0])) << "freed memory given out again";
}

}  // namespace
}  // namespace simt_tests
