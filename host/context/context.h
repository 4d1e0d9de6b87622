/* context.h (internal) - what a context holds. */
#ifndef AIT_CONTEXT_INTERNAL_H
#define AIT_CONTEXT_INTERNAL_H

#include "ait/context.h"
#include "device/device.h"

struct ait_context {
  ait_device device;
  char note[512]; /* why "auto" came to the CPU, or empty */
};

#endif
