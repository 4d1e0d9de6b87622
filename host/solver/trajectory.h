/* trajectory.h - the store of the lower level's iterates y_0 .. y_K.
 *
 * Only states are stored, never what an oracle computed on its way: the reverse sweep recomputes
 * that. A solver that does not look back keeps just the last three states. */
#ifndef AIT_TRAJECTORY_H
#define AIT_TRAJECTORY_H

#include "ait/real.h"

typedef struct ait_trajectory {
  int64_t entry; /* reals of one state: batch x m */
  int64_t slots; /* K + 1, or 3 */
  ait_real *states;
} ait_trajectory;

enum { AIT_LAST_STATES = 3 };

/* Where state k stands. With AIT_LAST_STATES slots only the last three written are there. */
static inline ait_real *ait_trajectory_state(const ait_trajectory *trajectory, int64_t k) {
  return trajectory->states + (k % trajectory->slots) * trajectory->entry;
}

#endif
