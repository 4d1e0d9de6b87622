/* team.h (internal) - a barrier for the threads of one parallel region that meet hundreds of times.
 *
 * A thread spins for about as long as a fair meeting takes and then sleeps, so that a machine that does
 * something else besides does not stand still: libgomp's own barrier spins for milliseconds unless the process
 * was started with GOMP_SPINCOUNT, and with another program on one of two processors 100 LL steps of 5,000 rows
 * took 1,600 ms with it (72 ms on one thread). */
#ifndef AIT_TEAM_H
#define AIT_TEAM_H

#include <stdint.h>

/* All zeros before the first meeting. */
typedef struct ait_barrier {
  _Atomic int32_t arrived, sleeping;
  _Atomic uint32_t meeting;
} ait_barrier;

/* Returns when every thread of the innermost parallel region has called it as often as the caller. */
void ait_barrier_wait(ait_barrier *barrier);

#endif
