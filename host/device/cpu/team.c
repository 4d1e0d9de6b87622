/* team.c - the barrier and the deal of a team of threads. */
#include "device/cpu/team.h"

#include <limits.h>
#include <omp.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <sched.h>
#endif

/* 33 microseconds of pauses on the Xeon of data_pass_amx.c, whose slots of 512 rows take 40 or more: threads that share
 * slots differ by one at most. */
enum { SPINS = 2000 };

static void relax(void) {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

#ifdef __linux__
/* Sleeps unless the meeting is over; may return early. */
static void sleep_until_over(ait_barrier *barrier, uint32_t meeting) {
  __atomic_fetch_add(&barrier->sleeping, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &barrier->meeting, FUTEX_WAIT_PRIVATE, meeting, (void *)0, (void *)0, 0);
  __atomic_fetch_sub(&barrier->sleeping, 1, __ATOMIC_SEQ_CST);
}

static void wake_all(ait_barrier *barrier) {
  if (__atomic_load_n(&barrier->sleeping, __ATOMIC_SEQ_CST) > 0) {
    syscall(SYS_futex, &barrier->meeting, FUTEX_WAKE_PRIVATE, INT_MAX, (void *)0, (void *)0, 0);
  }
}
#else
static void sleep_until_over(ait_barrier *barrier, uint32_t meeting) {
  (void)barrier;
  (void)meeting;
  sched_yield();
}

static void wake_all(ait_barrier *barrier) {
  (void)barrier;
}
#endif

void ait_barrier_wait(ait_barrier *barrier) {
  const uint32_t meeting = __atomic_load_n(&barrier->meeting, __ATOMIC_SEQ_CST);
  if (__atomic_fetch_add(&barrier->arrived, 1, __ATOMIC_SEQ_CST) == omp_get_num_threads() - 1) {
    __atomic_store_n(&barrier->arrived, 0, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&barrier->meeting, 1, __ATOMIC_SEQ_CST);
    wake_all(barrier);
    return;
  }
  for (int i = 0; i < SPINS; ++i) {
    if (__atomic_load_n(&barrier->meeting, __ATOMIC_SEQ_CST) != meeting) {
      return;
    }
    relax();
  }
  while (__atomic_load_n(&barrier->meeting, __ATOMIC_SEQ_CST) == meeting) {
    sleep_until_over(barrier, meeting);
  }
}

void ait_deal(int64_t threads, ait_share *shares) {
  for (int64_t t = 0; t < threads; ++t) {
    __atomic_store_n(&shares[t].taken, 0, __ATOMIC_SEQ_CST);
  }
}

/* The next of `count` pieces from the front, or with `other` from the back; -1 where none is left. */
static int64_t take_piece(ait_share *share, int64_t count, int other) {
  const uint64_t taken = __atomic_fetch_add(&share->taken, other ? (uint64_t)1 << 32 : 1, __ATOMIC_SEQ_CST);
  const int64_t own = (int64_t)(taken & UINT32_MAX), others = (int64_t)(taken >> 32);
  if (own + others >= count) {
    return -1;
  }
  return other ? count - 1 - others : own;
}

int64_t ait_next_piece(ait_share *shares, int64_t pieces, int backwards) {
  const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
  for (int64_t i = 0; i < threads; ++i) {
    const int64_t owner = (thread + i) % threads;
    const int64_t first = pieces * owner / threads, end = pieces * (owner + 1) / threads;
    const int64_t piece = take_piece(&shares[owner], end - first, i > 0);
    if (piece >= 0) {
      return backwards ? end - 1 - piece : first + piece;
    }
  }
  return -1;
}
