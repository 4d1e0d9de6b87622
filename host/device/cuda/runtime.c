/* runtime.c - memory, copies and recordings of the CUDA device. */
#include <stdlib.h>
#include <string.h>

#include "device/cuda/cuda.h"

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* ---- memory -------------------------------------------------------------------------------- */

ait_status ait_cuda_allocate(ait_device *device, size_t bytes, void **made) {
  *made = NULL;
  AIT_TRY(ait_cuda_enter_now(device, "allocating memory"));
  if (bytes == 0) {
    return AIT_OK;
  }
  void *memory = NULL;
  cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaSuccess) {
    *made = memory;
    return AIT_OK;
  }
  size_t free_bytes = 0, total_bytes = 0;
  (void)cudaGetLastError();
  AIT_TRY(ait_cuda_check(device, cudaMemGetInfo(&free_bytes, &total_bytes), "asking how much memory is free"));
  if (error == cudaErrorMemoryAllocation || bytes > total_bytes) {
    return ait_fail(AIT_OUT_OF_MEMORY,
                    "device %s: %zu bytes of memory could not be allocated, %zu are free; free what other "
                    "programs hold, or lower the number of LL steps, the rows or the model",
                    device->name, bytes, free_bytes);
  }
  return ait_cuda_check(device, error, "allocating memory");
}

/* An error here has shown or will show at a call that can report it. */
void ait_cuda_release(ait_device *device, void *memory) {
  (void)cudaSetDevice(ait_cuda_state(device)->index);
  (void)cudaFree(memory);
  (void)cudaGetLastError();
}

static ait_status allocate_host(ait_device *device, size_t bytes, void **made) {
  *made = NULL;
  AIT_TRY(ait_cuda_enter_now(device, "allocating pinned memory"));
  if (bytes == 0) {
    return AIT_OK;
  }
  void *memory = NULL;
  if (cudaMallocHost(&memory, bytes) != cudaSuccess) {
    (void)cudaGetLastError();
    return ait_fail(AIT_OUT_OF_MEMORY, "device %s: %zu bytes of pinned host memory could not be allocated",
                    device->name, bytes);
  }
  *made = memory;
  return AIT_OK;
}

static void release_host(ait_device *device, void *memory) {
  (void)cudaSetDevice(ait_cuda_state(device)->index);
  (void)cudaFreeHost(memory);
  (void)cudaGetLastError();
}

static ait_status memory_bytes(ait_device *device, size_t *free_bytes, size_t *total_bytes) {
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_check(device, cudaMemGetInfo(free_bytes, total_bytes), "asking how much memory is free");
}

ait_status ait_cuda_fill(ait_device *device, size_t bytes, int value, void *memory) {
  AIT_TRY(ait_cuda_enter(device));
  if (bytes == 0) {
    return AIT_OK;
  }
  return ait_cuda_launched(device, cudaMemsetAsync(memory, value, bytes, ait_cuda_state(device)->stream),
                           "filling memory");
}

static ait_status synchronize(ait_device *device) {
  AIT_TRY(ait_cuda_enter_now(device, "synchronizing"));
  ait_cuda *cuda = ait_cuda_state(device);
  AIT_TRY(ait_cuda_check(device, cudaStreamSynchronize(cuda->stream), "running what was enqueued"));
  for (int32_t i = 0; i < AIT_CUDA_BUFFERS; ++i) {
    cuda->buffer[i].used = 0;
  }
  return AIT_OK;
}

/* ---- copies -------------------------------------------------------------------------------- */

/* Room for at most `wanted` bytes in the pinned buffers; *size, at least 1, is how many there are. */
static ait_status take_room(ait_device *device, size_t wanted, char **room, size_t *size) {
  enum { ALIGNMENT = 256 };
  ait_cuda *cuda = ait_cuda_state(device);
  ait_cuda_buffer *buffer = &cuda->buffer[cuda->current];
  if (buffer->used == AIT_CUDA_BUFFER_BYTES) {
    AIT_TRY(ait_cuda_check(device, cudaEventRecord(buffer->event, cuda->stream), "copying to the device"));
    cuda->current = (cuda->current + 1) % AIT_CUDA_BUFFERS;
    buffer = &cuda->buffer[cuda->current];
    if (buffer->used > 0) {
      AIT_TRY(ait_cuda_check(device, cudaEventSynchronize(buffer->event), "copying to the device"));
      buffer->used = 0;
    }
  }
  *room = buffer->memory + buffer->used;
  *size = smaller(wanted, AIT_CUDA_BUFFER_BYTES - buffer->used);
  buffer->used += (*size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return AIT_OK;
}

/* room = the bytes begin .. begin + size - 1 of the pieces laid one behind the other. */
static void pack(const ait_upload_source *source, size_t begin, size_t size, char *room) {
  for (size_t done = 0; done < size;) {
    const size_t piece = (begin + done) / source->width, within = (begin + done) % source->width;
    const size_t part = smaller(source->width - within, size - done);
    memcpy(room + done, source->host + piece * source->stride + within, part);
    done += part;
  }
}

ait_status ait_cuda_copy_in(ait_device *device, const ait_upload_source *source, void *memory) {
  const size_t bytes = source->count * source->width;
  AIT_TRY(ait_cuda_enter_now(device, "copying to the device"));
  size_t size = 0;
  for (size_t done = 0; done < bytes; done += size) {
    char *room = NULL;
    AIT_TRY(take_room(device, bytes - done, &room, &size));
    pack(source, done, size, room);
    AIT_TRY(ait_cuda_check(
        device,
        cudaMemcpyAsync((char *)memory + done, room, size, cudaMemcpyHostToDevice, ait_cuda_state(device)->stream),
        "copying to the device"));
  }
  return AIT_OK;
}

static ait_status copy_in(ait_device *device, size_t bytes, const void *host, void *memory) {
  const ait_upload_source whole = {.host = host, .count = 1, .width = bytes, .stride = bytes};
  return ait_cuda_copy_in(device, &whole, memory);
}

static ait_status is_pinned(ait_device *device, const void *host, int *pinned) {
  struct cudaPointerAttributes attributes;
  AIT_TRY(ait_cuda_check(device, cudaPointerGetAttributes(&attributes, host), "looking at a host pointer"));
  *pinned = attributes.type == cudaMemoryTypeHost;
  return AIT_OK;
}

/* Through the first pinned buffer, which is free once everything has run. */
static ait_status copy_out_staged(ait_device *device, size_t bytes, const char *memory, char *host) {
  ait_cuda *cuda = ait_cuda_state(device);
  char *room = cuda->buffer[0].memory;
  AIT_TRY(synchronize(device));
  size_t size = 0;
  for (size_t done = 0; done < bytes; done += size) {
    size = smaller(bytes - done, AIT_CUDA_BUFFER_BYTES);
    AIT_TRY(ait_cuda_check(device, cudaMemcpyAsync(room, memory + done, size, cudaMemcpyDeviceToHost, cuda->stream),
                           "copying to the host"));
    AIT_TRY(ait_cuda_check(device, cudaStreamSynchronize(cuda->stream), "copying to the host"));
    memcpy(host + done, room, size);
  }
  return AIT_OK;
}

static ait_status copy_out(ait_device *device, size_t bytes, const void *memory, void *host) {
  AIT_TRY(ait_cuda_enter_now(device, "copying to the host"));
  if (bytes == 0) {
    return AIT_OK;
  }
  int pinned = 0;
  AIT_TRY(is_pinned(device, host, &pinned));
  if (!pinned) {
    return copy_out_staged(device, bytes, memory, host);
  }
  return ait_cuda_check(device,
                        cudaMemcpyAsync(host, memory, bytes, cudaMemcpyDeviceToHost, ait_cuda_state(device)->stream),
                        "copying to the host");
}

/* ---- random bytes -------------------------------------------------------------------------- */

/* `words` numbers of 32 bits of the seed's sequence, from number `first` on. */
static ait_status random_words(ait_device *device, uint64_t seed, uint64_t first, size_t words, void *memory) {
  static const char doing[] = "drawing random bytes";
  ait_cuda *cuda = ait_cuda_state(device);
  if (cuda->random == NULL) {
    AIT_TRY(
        ait_cuda_check_random(device, curandCreateGenerator(&cuda->random, CURAND_RNG_PSEUDO_PHILOX4_32_10), doing));
    AIT_TRY(ait_cuda_check_random(device, curandSetStream(cuda->random, cuda->stream), doing));
  }
  AIT_TRY(ait_cuda_check_random(device, curandSetPseudoRandomGeneratorSeed(cuda->random, seed), doing));
  AIT_TRY(ait_cuda_check_random(device, curandSetGeneratorOffset(cuda->random, first), doing));
  return ait_cuda_check_random(device, curandGenerate(cuda->random, memory, words), doing);
}

/* cuRAND writes whole words: the last 1 to 3 bytes are drawn beside and copied. */
static ait_status random_bytes(ait_device *device, uint64_t seed, size_t bytes, void *memory) {
  AIT_TRY(ait_cuda_enter_now(device, "drawing random bytes"));
  const size_t words = bytes / sizeof(uint32_t), rest = bytes % sizeof(uint32_t);
  if (words > 0) {
    AIT_TRY(random_words(device, seed, 0, words, memory));
  }
  if (rest > 0) {
    ait_cuda *cuda = ait_cuda_state(device);
    AIT_TRY(random_words(device, seed, words, 1, cuda->reduce));
    AIT_TRY(ait_cuda_check(device,
                           cudaMemcpyAsync((char *)memory + words * sizeof(uint32_t), cuda->reduce, rest,
                                           cudaMemcpyDeviceToDevice, cuda->stream),
                           "drawing random bytes"));
  }
  return AIT_OK;
}

/* ---- recordings ---------------------------------------------------------------------------- */

struct ait_recording {
  cudaGraphExec_t graph;
};

static ait_status begin_recording(ait_device *device) {
  AIT_TRY(ait_cuda_enter_now(device, "beginning another recording"));
  ait_cuda *cuda = ait_cuda_state(device);
  AIT_TRY(ait_cuda_check(device, cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
                         "beginning a recording"));
  cuda->recording = 1;
  cuda->recorded = 0;
  return AIT_OK;
}

static ait_status make_recording(ait_device *device, cudaGraph_t graph, ait_recording **recording) {
  ait_recording *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a recording");
  }
  ait_status status =
      ait_cuda_check(device, cudaGraphInstantiateWithFlags(&made->graph, graph, 0), "making a graph of a recording");
  if (status != AIT_OK) {
    free(made);
    return status;
  }
  *recording = made;
  return AIT_OK;
}

/* Ends the capture in any case; one that went wrong in between gives no graph. */
static ait_status end_recording(ait_device *device, ait_recording **recording) {
  ait_cuda *cuda = ait_cuda_state(device);
  if (!cuda->recording) {
    return ait_fail(AIT_INVALID_ARGUMENT, "device %s: no recording was begun", device->name);
  }
  cuda->recording = 0;
  cudaGraph_t graph = NULL;
  AIT_TRY(ait_cuda_enter(device));
  cudaError_t error = cudaStreamEndCapture(cuda->stream, &graph);
  ait_status status = AIT_OK;
  if (recording == NULL) {
    (void)cudaGetLastError();
  } else if (error != cudaSuccess) {
    status = ait_cuda_check(device, error, "ending a recording");
  } else {
    status = make_recording(device, graph, recording);
  }
  if (graph != NULL) {
    (void)cudaGraphDestroy(graph);
  }
  return status;
}

static ait_status replay(ait_device *device, ait_recording *recording) {
  AIT_TRY(ait_cuda_enter_now(device, "replaying a recording"));
  return ait_cuda_launched(device, cudaGraphLaunch(recording->graph, ait_cuda_state(device)->stream),
                           "replaying a recording");
}

static void release_recording(ait_device *device, ait_recording *recording) {
  if (recording != NULL) {
    (void)cudaSetDevice(ait_cuda_state(device)->index);
    (void)cudaGraphExecDestroy(recording->graph);
    (void)cudaGetLastError();
    free(recording);
  }
}

/* ---- closing ------------------------------------------------------------------------------- */

/* Also ends what an opening that failed half-way has made. */
static void close_device(ait_device *device) {
  ait_cuda *cuda = ait_cuda_state(device);
  (void)cudaSetDevice(cuda->index);
  if (cuda->stream != NULL) {
    (void)cudaStreamSynchronize(cuda->stream);
  }
  if (cuda->random != NULL) {
    (void)curandDestroyGenerator(cuda->random);
  }
  if (cuda->blas != NULL) {
    (void)cublasDestroy(cuda->blas);
  }
  for (int32_t i = 0; i < AIT_CUDA_BUFFERS; ++i) {
    if (cuda->buffer[i].event != NULL) {
      (void)cudaEventDestroy(cuda->buffer[i].event);
    }
    (void)cudaFreeHost(cuda->buffer[i].memory);
  }
  (void)cudaFree(cuda->blas_workspace);
  (void)cudaFree(cuda->reduce);
  if (cuda->stream != NULL) {
    (void)cudaStreamDestroy(cuda->stream);
  }
  (void)cudaGetLastError();
  free(cuda);
  *device = (ait_device){.runtime = NULL};
}

const ait_runtime_ops ait_cuda_runtime = {
    .kind = "cuda",
    .host_memory = 0,
    .close = close_device,
    .allocate = ait_cuda_allocate,
    .release = ait_cuda_release,
    .allocate_host = allocate_host,
    .release_host = release_host,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .fill = ait_cuda_fill,
    .synchronize = synchronize,
    .memory = memory_bytes,
    .random_bytes = random_bytes,
    .begin_recording = begin_recording,
    .end_recording = end_recording,
    .replay = replay,
    .release_recording = release_recording,
};
