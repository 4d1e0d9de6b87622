/* team.c - the barrier of a team of threads. */
#include "device/cpu/team.h"

#include <limits.h>
#include <omp.h>
#include <stdatomic.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <sched.h>
#endif

enum { SPINS = 2000 };

static void relax(void) {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

#ifdef __linux__
/* Sleeps unless the meeting is over; may return early. */
static void sleep_until_over(ait_barrier *barrier, uint32_t meeting) {
  atomic_fetch_add(&barrier->sleeping, 1);
  syscall(SYS_futex, &barrier->meeting, FUTEX_WAIT_PRIVATE, meeting, (void *)0, (void *)0, 0);
  atomic_fetch_sub(&barrier->sleeping, 1);
}

static void wake_all(ait_barrier *barrier) {
  if (atomic_load(&barrier->sleeping) > 0) {
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
  const uint32_t meeting = atomic_load(&barrier->meeting);
  if (atomic_fetch_add(&barrier->arrived, 1) == omp_get_num_threads() - 1) {
    atomic_store(&barrier->arrived, 0);
    atomic_fetch_add(&barrier->meeting, 1);
    wake_all(barrier);
    return;
  }
  for (int i = 0; i < SPINS; ++i) {
    if (atomic_load(&barrier->meeting) != meeting) {
      return;
    }
    relax();
  }
  while (atomic_load(&barrier->meeting) == meeting) {
    sleep_until_over(barrier, meeting);
  }
}
