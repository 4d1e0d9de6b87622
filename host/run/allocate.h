/* allocate.h - arrays of a run. */
#ifndef AIT_RUN_ALLOCATE_H
#define AIT_RUN_ALLOCATE_H

#include <stddef.h>
#include <stdint.h>

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `count` entries of `size` bytes, all 0, for the pointer that `pointer` points to: the caller's to free.
 * Errors: AIT_OUT_OF_MEMORY, and the pointer stays what it was. */
ait_status ait_allocate(int64_t count, size_t size, void *pointer);

#ifdef __cplusplus
}
#endif
#endif
