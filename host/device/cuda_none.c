/* cuda_none.c - what takes the place of the CUDA device in a build without one. */
#include "context/error.h"
#include "device/device.h"

static ait_status none(void) {
  return ait_fail(AIT_UNSUPPORTED, "this build has no CUDA device: it was made without a CUDA compiler");
}

ait_status ait_device_open_cuda(int32_t index, int32_t threads, ait_math math, ait_device *device) {
  (void)index, (void)threads, (void)math, (void)device;
  return none();
}

ait_status ait_device_count_cuda(int32_t *count) {
  (void)count;
  return none();
}

ait_status ait_device_describe_cuda(int32_t index, size_t bytes, char *line) {
  (void)index, (void)bytes, (void)line;
  return none();
}
