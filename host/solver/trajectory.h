/* trajectory.h - the store of the lower level's iterates y_0 .. y_K (docs/derivation.md#trajectories-in-memory).
 *
 * Only states are stored, never what an oracle computed on its way: the reverse sweep recomputes
 * that. Where not every state fits, the steps that are differentiated are cut into segments of c steps, counted from
 * y_K back: segment i holds the steps segment_first(i) .. segment_end(i) - 1. A ring holds the states of one segment;
 * where each begins is kept beside it, and the sweep computes the states between once more. */
#ifndef AIT_TRAJECTORY_H
#define AIT_TRAJECTORY_H

#include "ait/solver.h"

typedef struct ait_trajectory {
  int64_t entry;    /* reals of one state: batch x m */
  int64_t slots;    /* states of the ring */
  ait_real *states; /* the ring: y_k stands in slot k mod slots */
  int64_t K;        /* LL steps */
  int64_t first;    /* the first step that a sweep goes back to */
  int64_t every;    /* c */
  int64_t segments; /* 1: the ring holds all that a sweep looks at */
  int64_t group;    /* states that are kept of a place: y, or with Nesterov's steps y and the one before it */
  ait_real *kept;   /* [segments - 1][group]: for i >= 1, where segment i begins; what begins at y_0 = z has no copy */
  ait_real *last;   /* y_K */
} ait_trajectory;

/* States of the ring where nobody looks back: those that a step needs. */
enum { AIT_LAST_STATES = 3 };

/* Where the ring holds state k, if it is among the last ones written. */
static inline ait_real *ait_trajectory_state(const ait_trajectory *trajectory, int64_t k) {
  return trajectory->states + (k % trajectory->slots) * trajectory->entry;
}

static inline int64_t ait_segment_end(const ait_trajectory *trajectory, int64_t i) {
  return trajectory->K - i * trajectory->every;
}

static inline int64_t ait_segment_first(const ait_trajectory *trajectory, int64_t i) {
  const int64_t next = ait_segment_end(trajectory, i + 1);
  return next > trajectory->first ? next : trajectory->first;
}

#endif
