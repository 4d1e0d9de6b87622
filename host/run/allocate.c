/* allocate.c - arrays of a run. */
#include "run/allocate.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"

ait_status ait_allocate(int64_t count, size_t size, void *pointer) {
  void *memory = calloc((size_t)count, size);
  if (memory == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld numbers of a run", (long long)count);
  }
  memcpy(pointer, &memory, sizeof memory);
  /* cppcheck-suppress memleak ; the caller has it */
  return AIT_OK;
}
