/* check_pass.h (internal) - what every device refuses of a data pass. */
#ifndef AIT_CHECK_PASS_H
#define AIT_CHECK_PASS_H

#include "context/error.h"
#include "device/device.h"

static inline ait_status ait_check_pass(const ait_pass *pass) {
  if (pass->direction == NULL && (pass->tangent != NULL || pass->cross != NULL)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "data pass: the tangent and the cross term need a direction");
  }
  if (pass->noise_cross != NULL && (pass->direction == NULL || pass->log_noise == NULL)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "data pass: the noise's cross terms need a direction and a noise model");
  }
  if (pass->x != NULL && pass->weights != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "data pass: rows are weighted by x or by weights, not by both");
  }
  if (pass->rows->rows < 1 || pass->rows->columns < 1 || pass->classes < 1) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "data pass: %lld rows, %lld columns, %lld classes; expected at least 1 of each",
                    (long long)pass->rows->rows, (long long)pass->rows->columns, (long long)pass->classes);
  }
  return AIT_OK;
}

#endif
