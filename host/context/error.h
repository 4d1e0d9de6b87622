/* error.h - how a failure gets its sentence. */
#ifndef AIT_ERROR_H
#define AIT_ERROR_H

#include "ait/status.h"

/* Stores the formatted sentence as this thread's last error. */
void ait_set_last_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Stores the sentence; the value is `status`. A macro, so that the compiler sees that a failing
 * function does not return AIT_OK, and that its outputs are then not read. */
#define ait_fail(status, ...) (ait_set_last_error(__VA_ARGS__), (status))

/* Leaves the enclosing function with the status of a call that failed. */
#define AIT_TRY(call)                   \
  do {                                  \
    ait_status ait_try_status = (call); \
    if (ait_try_status != AIT_OK) {     \
      return ait_try_status;            \
    }                                   \
  } while (0)

#endif
