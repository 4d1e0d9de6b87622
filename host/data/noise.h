/* noise.h (internal) - what the models of wrong labels share. */
#ifndef AIT_NOISE_H
#define AIT_NOISE_H

#include "ait/dataset.h"

/* Whether `count` labels of `classes` classes can be corrupted at this rate: AIT_INVALID_ARGUMENT where not. */
ait_status ait_check_corruption(double rate, int32_t classes, int64_t count, const int32_t *labels);

#endif
