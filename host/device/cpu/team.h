/* team.h (internal) - what the threads of one parallel region need that share hundreds of short pieces of work: a
 * barrier, and a deal.
 *
 * A thread spins for about as long as a fair meeting takes and then sleeps, so that a machine that does
 * something else besides does not stand still: libgomp's own barrier spins for milliseconds unless the process
 * was started with GOMP_SPINCOUNT, and with another program on one of two processors 100 LL steps of 5,000 rows
 * took 1,600 ms with it (72 ms on one thread). */
#ifndef AIT_TEAM_H
#define AIT_TEAM_H

#include <stdint.h>

/* All zeros before the first meeting; atomic, like what follows. */
typedef struct ait_barrier {
  int32_t arrived, sleeping;
  uint32_t meeting;
} ait_barrier;

/* One thread's share of a deal, on a cache line of its own: low half, what its owner took; high half, what others. */
typedef struct ait_share {
  uint64_t taken;
} __attribute__((aligned(64))) ait_share;

/* Returns when every thread of the innermost parallel region has called it as often as the caller. */
void ait_barrier_wait(ait_barrier *barrier);

/* Starts a deal among `threads` threads, none of which may be taking pieces. */
void ait_deal(int64_t threads, ait_share *shares);

/* The calling thread's next piece of 0 .. pieces - 1, or -1. It has the same pieces in every deal, from the first to
 * the last or `backwards` (the same for all threads in a deal), so that they stay in its cache; when it has done them
 * it takes those of threads that are slower, from their other end. */
int64_t ait_next_piece(ait_share *shares, int64_t pieces, int backwards);

#endif
