/* status.c - status texts and the last error's sentence. */
#include <stdarg.h>
#include <stdio.h>

#include "context/error.h"

static _Thread_local char last_error[1024];

#define AIT_STATUS_TEXT(code, text) text,
static const char *const status_text[] = {AIT_STATUS_LIST(AIT_STATUS_TEXT)};
#undef AIT_STATUS_TEXT

const char *ait_status_text(ait_status status) {
  return (unsigned)status < AIT_STATUS_COUNT ? status_text[status] : "unknown status";
}

const char *ait_last_error(void) {
  return last_error;
}

const char *ait_version(void) {
  return AIT_VERSION;
}

void ait_set_last_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error, sizeof last_error, format, arguments);
  va_end(arguments);
}
