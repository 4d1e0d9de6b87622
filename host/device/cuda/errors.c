/* errors.c - errors of the CUDA libraries as sentences. */
#include "device/cuda/cuda.h"

/* Whether the device answers nothing but `error` from now on, as after an illegal address. While a
 * recording is made nobody may ask. */
static int is_sticky(const ait_device *device, cudaError_t error) {
  size_t free_bytes, total_bytes;
  if (ait_cuda_state(device)->recording) {
    return 0;
  }
  int sticky = cudaMemGetInfo(&free_bytes, &total_bytes) == error;
  (void)cudaGetLastError();
  return sticky;
}

ait_status ait_cuda_check(const ait_device *device, cudaError_t error, const char *doing) {
  if (error == cudaSuccess) {
    return AIT_OK;
  }
  (void)cudaGetLastError();
  if (error == cudaErrorMemoryAllocation) {
    return ait_fail(AIT_OUT_OF_MEMORY,
                    "device %s: out of memory (%s) while %s; lower the number of LL steps, the rows or the model",
                    device->name, cudaGetErrorName(error), doing);
  }
  if (is_sticky(device, error)) {
    return ait_fail(AIT_DEVICE_ERROR,
                    "device %s: %s (%s) while %s; this process can no longer use the device: start it again",
                    device->name, cudaGetErrorString(error), cudaGetErrorName(error), doing);
  }
  return ait_fail(AIT_DEVICE_ERROR, "device %s: %s (%s) while %s", device->name, cudaGetErrorString(error),
                  cudaGetErrorName(error), doing);
}

ait_status ait_cuda_check_blas(const ait_device *device, cublasStatus_t status, const char *doing) {
  if (status == CUBLAS_STATUS_SUCCESS) {
    return AIT_OK;
  }
  AIT_TRY(ait_cuda_check(device, cudaGetLastError(), doing)); /* the cause, where it is one of the runtime */
  if (status == CUBLAS_STATUS_ALLOC_FAILED) {
    return ait_fail(AIT_OUT_OF_MEMORY, "device %s: no memory for cuBLAS while %s", device->name, doing);
  }
  return ait_fail(AIT_DEVICE_ERROR, "device %s: cuBLAS reports %s while %s", device->name,
                  cublasGetStatusString(status), doing);
}

ait_status ait_cuda_check_random(const ait_device *device, curandStatus_t status, const char *doing) {
  if (status == CURAND_STATUS_SUCCESS) {
    return AIT_OK;
  }
  AIT_TRY(ait_cuda_check(device, cudaGetLastError(), doing));
  if (status == CURAND_STATUS_ALLOCATION_FAILED) {
    return ait_fail(AIT_OUT_OF_MEMORY, "device %s: no memory for cuRAND while %s", device->name, doing);
  }
  return ait_fail(AIT_DEVICE_ERROR, "device %s: cuRAND reports error %d while %s", device->name, (int)status, doing);
}

ait_status ait_cuda_launched(const ait_device *device, cudaError_t error, const char *doing) {
  ait_cuda *cuda = ait_cuda_state(device);
  AIT_TRY(ait_cuda_check(device, error, doing));
  if (cuda->recording && ++cuda->recorded > AIT_CUDA_MOST_RECORDED) {
    return ait_fail(AIT_UNSUPPORTED, "device %s: a recording holds more than %d operations", device->name,
                    AIT_CUDA_MOST_RECORDED);
  }
#ifdef AIT_CUDA_SYNCHRONIZE
  if (!cuda->recording) {
    return ait_cuda_check(device, cudaStreamSynchronize(cuda->stream), doing);
  }
#endif
  return AIT_OK;
}

ait_status ait_cuda_enter(const ait_device *device) {
  return ait_cuda_check(device, cudaSetDevice(ait_cuda_state(device)->index), "making the device current");
}

ait_status ait_cuda_enter_now(const ait_device *device, const char *doing) {
  if (ait_cuda_state(device)->recording) {
    return ait_fail(AIT_UNSUPPORTED, "device %s: %s is not possible while a recording is made", device->name, doing);
  }
  return ait_cuda_enter(device);
}
