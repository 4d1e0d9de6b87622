/* targets.h (internal) - what the logits of a part of the rows are compared with. */
#ifndef AIT_TARGETS_H
#define AIT_TARGETS_H

#include "device/device.h"

/* The targets of the rows from `first` on. */
static inline ait_targets ait_targets_from(const ait_targets *all, int64_t first) {
  ait_targets targets = *all;
  targets.labels += first;
  targets.x = all->x != NULL ? all->x + first : NULL;
  targets.weights = all->weights != NULL ? all->weights + first : NULL;
  targets.folds = all->folds != NULL ? all->folds + first : NULL;
  return targets;
}

#endif
