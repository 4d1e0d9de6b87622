/* status.h - what every fallible function of the library returns.
 *
 * In all headers: a pointer must not be NULL unless its function says so, and an out-parameter is
 * written on success only. */
#ifndef AIT_STATUS_H
#define AIT_STATUS_H

#include "ait/real.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every status and its one-line meaning. */
#define AIT_STATUS_LIST(X)                                                              \
  X(AIT_OK, "success")                                                                  \
  X(AIT_INVALID_ARGUMENT, "an argument is outside what the function accepts")           \
  X(AIT_OUT_OF_MEMORY, "memory could not be allocated")                                 \
  X(AIT_IO_ERROR, "a file could not be read or written")                                \
  X(AIT_BAD_DATA, "a file or an array does not hold what was expected")                 \
  X(AIT_NOT_FOUND, "a file, a data set or a name does not exist")                       \
  X(AIT_UNSUPPORTED, "this device or this problem does not offer the operation")        \
  X(AIT_DIVERGED, "the iteration produced values that are not finite or far too large") \
  X(AIT_STOPPED, "the caller's callback asked to stop")                                 \
  X(AIT_DEVICE_ERROR, "the device reported an error")

#define AIT_STATUS_ENUM(code, text) code,
typedef enum ait_status { AIT_STATUS_LIST(AIT_STATUS_ENUM) AIT_STATUS_COUNT } ait_status;
#undef AIT_STATUS_ENUM

/* The one-line meaning of a status; never NULL, static storage. */
AIT_API const char *ait_status_text(ait_status status);

/* The full sentence of the last failure on the calling thread: it names the culprit and what was
 * expected. Empty before the first failure. Valid until the next failing call on this thread. */
AIT_API const char *ait_last_error(void);

/* The library's version, "MAJOR.MINOR.PATCH"; static storage. */
AIT_API const char *ait_version(void);

#ifdef __cplusplus
}
#endif
#endif
