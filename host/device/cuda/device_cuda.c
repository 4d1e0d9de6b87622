/* device_cuda.c - finds, describes, opens and closes CUDA devices. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cuda/cuda.h"

/* The kernels use nothing newer; the build has code for 8.0 and up. */
enum { LEAST_MAJOR = 8, LEAST_MINOR = 0, MOST_THREADS = 1024 };

/* cuBLAS's own recommendation: 32 MiB from capability 9.0 on, else 4 MiB. */
enum { BLAS_BYTES = 4 << 20, BLAS_BYTES_9 = 32 << 20 };

/* ---- what there is --------------------------------------------------------------------------- */

static int version_major(int version) {
  return version / 1000;
}

static int version_minor(int version) {
  return version % 1000 / 10;
}

static ait_status no_device(cudaError_t error, int driver) {
  if (driver == 0) {
    return ait_fail(AIT_UNSUPPORTED, "CUDA devices need an NVIDIA driver, and none is loaded; install one");
  }
  if (error == cudaErrorInsufficientDriver) {
    int needed = 0;
    (void)cudaRuntimeGetVersion(&needed);
    return ait_fail(AIT_UNSUPPORTED,
                    "the NVIDIA driver is made for CUDA %d.%d and this build needs CUDA %d.%d; install a newer "
                    "driver",
                    version_major(driver), version_minor(driver), version_major(needed), version_minor(needed));
  }
  if (error == cudaSuccess || error == cudaErrorNoDevice) {
    return ait_fail(AIT_UNSUPPORTED, "the NVIDIA driver shows no CUDA device (CUDA_VISIBLE_DEVICES may hide it)");
  }
  return ait_fail(AIT_DEVICE_ERROR, "CUDA devices cannot be counted: %s (%s)", cudaGetErrorString(error),
                  cudaGetErrorName(error));
}

ait_status ait_device_count_cuda(int32_t *count) {
  int driver = 0, found = 0;
  (void)cudaDriverGetVersion(&driver); /* 0 where there is none */
  cudaError_t error = driver == 0 ? cudaErrorInsufficientDriver : cudaGetDeviceCount(&found);
  (void)cudaGetLastError();
  if (error != cudaSuccess || found < 1) {
    return no_device(error, driver);
  }
  *count = found;
  return AIT_OK;
}

static ait_status read_properties(int32_t index, struct cudaDeviceProp *properties) {
  int32_t count = 0;
  AIT_TRY(ait_device_count_cuda(&count));
  if (index < 0 || index >= count) {
    return ait_fail(AIT_INVALID_ARGUMENT, "device cuda:%d: there %s %d CUDA device%s, counted from cuda:0", index,
                    count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
  }
  cudaError_t error = cudaGetDeviceProperties(properties, index);
  (void)cudaGetLastError();
  if (error != cudaSuccess) {
    return ait_fail(AIT_DEVICE_ERROR, "device cuda:%d: %s (%s) while asking what it is", index,
                    cudaGetErrorString(error), cudaGetErrorName(error));
  }
  return AIT_OK;
}

static int is_too_old(const struct cudaDeviceProp *properties) {
  return properties->major < LEAST_MAJOR || (properties->major == LEAST_MAJOR && properties->minor < LEAST_MINOR);
}

/* "NVIDIA H100 80GB HBM3, compute capability 9.0, 79.2 GiB, rollouts in one launch" */
static void describe(const struct cudaDeviceProp *properties, size_t bytes, char *line) {
  snprintf(line, bytes, "%.128s, compute capability %d.%d, %.1f GiB, rollouts %s", properties->name, properties->major,
           properties->minor, (double)properties->totalGlobalMem / (1 << 30),
           properties->cooperativeLaunch ? "in one launch" : "step by step");
}

static void append(size_t bytes, char *line, const char *text) {
  const size_t used = strlen(line);
  snprintf(line + used, bytes - used, "%s", text);
}

ait_status ait_device_describe_cuda(int32_t index, size_t bytes, char *line) {
  struct cudaDeviceProp properties;
  AIT_TRY(read_properties(index, &properties));
  describe(&properties, bytes, line);
  if (is_too_old(&properties)) {
    char text[64];
    snprintf(text, sizeof text, " (too old: this build needs capability %d.%d)", LEAST_MAJOR, LEAST_MINOR);
    append(bytes, line, text);
  }
  return AIT_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static ait_status make_buffers(ait_device *device) {
  static const char doing[] = "making the buffers for copies";
  ait_cuda *cuda = ait_cuda_state(device);
  for (int32_t i = 0; i < AIT_CUDA_BUFFERS; ++i) {
    void *memory = NULL;
    AIT_TRY(ait_cuda_check(device, cudaMallocHost(&memory, AIT_CUDA_BUFFER_BYTES), doing));
    cuda->buffer[i].memory = memory;
    AIT_TRY(ait_cuda_check(device, cudaEventCreateWithFlags(&cuda->buffer[i].event, cudaEventDisableTiming), doing));
  }
  return AIT_OK;
}

/* The workspace is ours, so that recorded products never allocate; cublasSetStream would take it away
 * again, so it comes after. */
static ait_status make_blas(ait_device *device, int major, ait_math math) {
  static const char doing[] = "opening cuBLAS";
  ait_cuda *cuda = ait_cuda_state(device);
  const size_t bytes = major >= 9 ? BLAS_BYTES_9 : BLAS_BYTES;
  AIT_TRY(ait_cuda_allocate(device, bytes, &cuda->blas_workspace));
  AIT_TRY(ait_cuda_check_blas(device, cublasCreate(&cuda->blas), doing));
  AIT_TRY(ait_cuda_check_blas(device, cublasSetStream(cuda->blas, cuda->stream), doing));
  AIT_TRY(ait_cuda_check_blas(device, cublasSetWorkspace(cuda->blas, cuda->blas_workspace, bytes), doing));
  const cublasMath_t mode = math == AIT_MATH_TF32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH;
  return ait_cuda_check_blas(device, cublasSetMathMode(cuda->blas, mode), doing);
}

static ait_status make_state(ait_device *device, int major, ait_math math) {
  ait_cuda *cuda = ait_cuda_state(device);
  AIT_TRY(ait_cuda_enter(device));
  AIT_TRY(ait_cuda_check(device, cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking), "making a stream"));
  device->stream = cuda->stream;
  void *reduce = NULL;
  AIT_TRY(ait_cuda_allocate(device, sizeof *cuda->reduce, &reduce));
  cuda->reduce = reduce;
  AIT_TRY(make_buffers(device));
  return make_blas(device, major, math);
}

/* What kernels are cut by. */
static ait_kernel_limits limits_of(const struct cudaDeviceProp *properties) {
  return (ait_kernel_limits){.multiprocessors = properties->multiProcessorCount,
                             .cooperative = properties->cooperativeLaunch,
                             .shared_bytes = properties->sharedMemPerBlockOptin,
                             .multiprocessor_shared_bytes = properties->sharedMemPerMultiprocessor,
                             .reserved_shared_bytes = properties->reservedSharedMemPerBlock};
}

/* ", driver 13.0, TF32 off": the driver by the newest CUDA that it is made for. */
static void append_settings(ait_device *device, ait_math math) {
  int driver = 0;
  (void)cudaDriverGetVersion(&driver);
  char text[64];
  snprintf(text, sizeof text, ", driver %d.%d, TF32 %s", version_major(driver), version_minor(driver),
           math == AIT_MATH_TF32 ? "on" : "off");
  append(sizeof device->description, device->description, text);
}

ait_status ait_device_open_cuda(int32_t index, int32_t threads, ait_math math, ait_device *device) {
  if (threads < 0 || threads > MOST_THREADS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "threads is %d; expected 0 (choose) to %d", threads, MOST_THREADS);
  }
  struct cudaDeviceProp properties;
  AIT_TRY(read_properties(index, &properties));
  if (is_too_old(&properties)) {
    return ait_fail(AIT_UNSUPPORTED,
                    "device cuda:%d: %.128s has compute capability %d.%d; this build needs %d.%d or newer", index,
                    properties.name, properties.major, properties.minor, LEAST_MAJOR, LEAST_MINOR);
  }
  ait_cuda *cuda = calloc(1, sizeof *cuda);
  if (cuda == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a CUDA device");
  }
  cuda->index = index;
  cuda->limits = limits_of(&properties);
  ait_device made = {.runtime = &ait_cuda_runtime,
                     .vector = &ait_cuda_vector,
                     .model = &ait_cuda_model,
                     .state = cuda,
                     .threads = threads > 0 ? threads : omp_get_max_threads()};
  snprintf(made.name, sizeof made.name, "cuda:%d", index);
  describe(&properties, sizeof made.description, made.description);
  append_settings(&made, math);
  snprintf(made.arithmetic, sizeof made.arithmetic, "%s", made.description);
  ait_status status = make_state(&made, properties.major, math);
  if (status != AIT_OK) {
    made.runtime->close(&made);
    return status;
  }
  *device = made;
  return AIT_OK;
}
