// test_team.cc - the barrier and the deal that the CPU device's threads share their work with.
#include <omp.h>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <numeric>
#include <vector>

extern "C" {
#include "device/cpu/team.h"
}

namespace {

constexpr int kThreads = 4, kMeetings = 2000;

// Nobody leaves a meeting before all have come: what every thread wrote before is there after.
TEST(Team, AMeetingIsOverWhenAllHaveCome) {
  ait_barrier barrier = {};
  std::array<std::atomic<int>, kThreads> met = {};
  std::atomic<int> late(0), threads(0);
#pragma omp parallel num_threads(kThreads)
  {
    threads = omp_get_num_threads();
    for (int meeting = 1; meeting <= kMeetings; ++meeting) {
      met[static_cast<size_t>(omp_get_thread_num())] = meeting;
      ait_barrier_wait(&barrier);
      for (int t = 0; t < threads; ++t) {
        late += met[static_cast<size_t>(t)] < meeting ? 1 : 0;
      }
      ait_barrier_wait(&barrier);
    }
  }
  EXPECT_EQ(0, late);
}

// Every piece comes once, in either direction, for any number of pieces and whoever is slow.
TEST(Team, EveryPieceIsDealtOnce) {
  for (const int64_t pieces : {0, 1, 3, 4, 5, 64, 1001}) {
    for (int slow = -1; slow < kThreads; ++slow) {
      for (const int backwards : {0, 1}) {
        std::vector<std::atomic<int>> dealt(static_cast<size_t>(pieces));
        ait_share shares[kThreads];
        ait_deal(kThreads, shares);
#pragma omp parallel num_threads(kThreads)
        {
          int64_t piece;
          while ((piece = ait_next_piece(shares, pieces, backwards)) >= 0) {
            ++dealt[static_cast<size_t>(piece)];
            for (volatile int i = 0; omp_get_thread_num() == slow && i < 20000; i = i + 1) {
            }
          }
        }
        for (int64_t i = 0; i < pieces; ++i) {
          EXPECT_EQ(1, dealt[static_cast<size_t>(i)]) << "piece " << i << " of " << pieces << ", slow " << slow;
        }
      }
    }
  }
}

// One thread alone has all pieces in their order, and in every deal anew.
TEST(Team, OneThreadTakesPiecesInOrder) {
  ait_share share;
  for (const int backwards : {0, 1, 0}) {
    ait_deal(1, &share);
    for (int64_t i = 0; i < 7; ++i) {
      EXPECT_EQ(backwards ? 6 - i : i, ait_next_piece(&share, 7, backwards));
    }
    EXPECT_EQ(-1, ait_next_piece(&share, 7, backwards));
    EXPECT_EQ(-1, ait_next_piece(&share, 7, backwards));
  }
}

// What a thread that does nothing has left is taken by the other, from the other end.
TEST(Team, IdleThreadsTakeWhatOthersHaveLeft) {
  ait_share shares[2];
  ait_deal(2, shares);
  std::vector<int64_t> taken;
  ait_barrier barrier = {};
  int threads = 0;
#pragma omp parallel num_threads(2)
  {
    if (omp_get_thread_num() == 0) {
      threads = omp_get_num_threads();
      int64_t piece;
      while ((piece = ait_next_piece(shares, 6, 0)) >= 0) {
        taken.push_back(piece);
      }
    }
    ait_barrier_wait(&barrier);
  }
  if (threads < 2) {
    GTEST_SKIP() << "OpenMP gave one thread where two were asked for";
  }
  EXPECT_EQ((std::vector<int64_t>{0, 1, 2, 5, 4, 3}), taken);
}

}  // namespace
