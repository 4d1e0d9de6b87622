/* bootstrap.c - how far a mean over few seeds is to be trusted (docs/derivation.md#bootstrap-intervals). */
#include "run/bootstrap.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "context/random.h"

ait_status ait_bootstrap_begin(int64_t most, ait_bootstrap *bootstrap) {
  const int64_t count = most * AIT_BOOTSTRAP_RESAMPLES;
  *bootstrap = (ait_bootstrap){.most = most, .words = malloc((size_t)(count > 0 ? count : 1) * sizeof(uint32_t))};
  if (bootstrap->words == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld draws", (long long)count);
  }
  for (int64_t i = 0; i < count; i++) {
    bootstrap->words[i] = (uint32_t)(ait_random_bits(0, AIT_STREAM_BOOTSTRAP, (uint64_t)i) >> 32);
  }
  return AIT_OK;
}

void ait_bootstrap_end(ait_bootstrap *bootstrap) {
  free(bootstrap->words);
  *bootstrap = (ait_bootstrap){0};
}

static int compare_numbers(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* The value below which the share `part` of a sorted list lies, between two entries in proportion. */
static double quantile(int64_t n, const double *sorted, double part) {
  const double place = part * (double)(n - 1);
  const int64_t below = (int64_t)place;
  return below + 1 < n ? sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]) : sorted[n - 1];
}

/* A word w stands for value floor(w n / 2^32). */
static double resampled_mean(const uint32_t *words, int64_t n, const double *values) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += values[(uint64_t)words[i] * (uint64_t)n >> 32];
  }
  return sum / (double)n;
}

static double plain_mean(int64_t n, const double *values) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += values[i];
  }
  return n > 0 ? sum / (double)n : NAN;
}

ait_status ait_bootstrap_mean(const ait_bootstrap *bootstrap, int64_t n, const double *values, ait_interval *interval) {
  double *kept = malloc((size_t)(n + AIT_BOOTSTRAP_RESAMPLES) * sizeof *kept);
  if (kept == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %d means", AIT_BOOTSTRAP_RESAMPLES);
  }
  double *means = kept + n;
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isnan(values[i])) {
      kept[count++] = values[i];
    }
  }
  *interval = (ait_interval){.count = count, .mean = plain_mean(count, kept), .low = NAN, .high = NAN};
  if (count > 1) {
    for (int64_t r = 0; r < AIT_BOOTSTRAP_RESAMPLES; r++) {
      means[r] = resampled_mean(bootstrap->words + r * bootstrap->most, count, kept);
    }
    qsort(means, AIT_BOOTSTRAP_RESAMPLES, sizeof *means, compare_numbers);
    interval->low = quantile(AIT_BOOTSTRAP_RESAMPLES, means, 0.025);
    interval->high = quantile(AIT_BOOTSTRAP_RESAMPLES, means, 0.975);
  }
  free(kept);
  return AIT_OK;
}
