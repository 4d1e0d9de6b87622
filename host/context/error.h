/* error.h - how a failure gets its sentence. */
#ifndef AIT_ERROR_H
#define AIT_ERROR_H

#include "ait/status.h"

/* Stores the formatted sentence as this thread's last error and returns `status`. */
ait_status ait_fail(ait_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Leaves the enclosing function with the status of a call that failed. */
#define AIT_TRY(call)                   \
  do {                                  \
    ait_status ait_try_status = (call); \
    if (ait_try_status != AIT_OK) {     \
      return ait_try_status;            \
    }                                   \
  } while (0)

#endif
