/* bootstrap.h - how far a mean over few seeds is to be trusted. */
#ifndef AIT_RUN_BOOTSTRAP_H
#define AIT_RUN_BOOTSTRAP_H

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AIT_BOOTSTRAP_RESAMPLES = 10000 };

/* A mean of `count` values, and its 95 % interval. NaN: the mean of no value, the interval of fewer than two. */
typedef struct ait_interval {
  int64_t count;
  double mean, low, high;
} ait_interval;

/* The draws, which all values share, so that what differs between two methods at the same seeds is not chance. */
typedef struct ait_bootstrap {
  int64_t most;    /* values at most */
  uint32_t *words; /* AIT_BOOTSTRAP_RESAMPLES x most random words */
} ait_bootstrap;

/* Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_bootstrap_begin(int64_t most, ait_bootstrap *bootstrap);

/* The percentile bootstrap: the 2.5th and the 97.5th of a hundred parts of the means of resamples, drawn from the n
 * values with replacement. Values that are NaN are left out. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_bootstrap_mean(const ait_bootstrap *bootstrap, int64_t n, const double *values, ait_interval *interval);

void ait_bootstrap_end(ait_bootstrap *bootstrap);

#ifdef __cplusplus
}
#endif
#endif
