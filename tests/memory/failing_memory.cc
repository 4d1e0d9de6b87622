// failing_memory.cc - the functions that the linker puts in the place of malloc and its like.
#include "failing_memory.h"

#include <cuda_runtime_api.h>
#include <dirent.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/mman.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "cublas_v2.h"
#include "curand.h"

namespace failing_memory {

namespace {

struct Watch {
  std::mutex mutex;
  Decide decide;  // empty: nothing is watched
  bool deciding = false;
  int64_t allocations = 0;
  std::map<const void *, Trace> left;
};

Watch &TheWatch() {
  static Watch watch;
  return watch;
}

// Beginning with the function that asked; what lies below it are functions of this file.
__attribute__((noinline)) Trace TakeTrace() {
  constexpr int kOwn = 3;
  void *frames[kFrames + kOwn];
  const int count = backtrace(frames, kFrames + kOwn);
  Trace trace = {};
  if (count > kOwn) {
    std::copy(frames + kOwn, frames + count, trace.frame);
  }
  return trace;
}

// Counts an allocation; whether it is to fail.
__attribute__((noinline)) bool Deny() {
  Watch &watch = TheWatch();
  const std::lock_guard<std::mutex> lock(watch.mutex);
  if (!watch.decide || watch.deciding) {
    return false;
  }
  watch.deciding = true;
  const bool deny = watch.decide(++watch.allocations, TakeTrace());
  watch.deciding = false;
  if (deny) {
    errno = ENOMEM;
  }
  return deny;
}

__attribute__((noinline)) void Keep(const void *memory) {
  Watch &watch = TheWatch();
  if (watch.deciding || memory == nullptr || memory == MAP_FAILED) {
    return;
  }
  const std::lock_guard<std::mutex> lock(watch.mutex);
  if (watch.decide) {
    watch.left[memory] = TakeTrace();
  }
}

void Drop(const void *memory) {
  Watch &watch = TheWatch();
  if (!watch.deciding) {
    const std::lock_guard<std::mutex> lock(watch.mutex);
    watch.left.erase(memory);
  }
}

}  // namespace

std::string Describe(const Trace &trace) {
  std::string text;
  for (void *frame : trace.frame) {
    Dl_info info;
    if (frame != nullptr && dladdr(frame, &info) != 0) {
      char place[64];
      std::snprintf(place, sizeof place, "+0x%zx ", static_cast<char *>(frame) - static_cast<char *>(info.dli_fbase));
      text += std::string(info.dli_fname).substr(std::string(info.dli_fname).rfind('/') + 1) + place;
    }
  }
  return text;
}

// FNV-1a.
uint64_t PathOf(const Trace &trace) {
  constexpr int kCalls = 3;  // enough to tell errors that go different ways
  uint64_t hash = 14695981039346656037u;
  for (int i = 0; i < kCalls; i++) {
    hash = (hash ^ reinterpret_cast<uintptr_t>(trace.frame[i])) * 1099511628211u;
  }
  return hash;
}

void Begin(const Decide &decide) {
  Watch &watch = TheWatch();
  void *first[1];
  backtrace(first, 1);  // loads what it needs
  const std::lock_guard<std::mutex> lock(watch.mutex);
  watch.allocations = 0;
  watch.left.clear();
  watch.decide = decide;
}

Result End() {
  Watch &watch = TheWatch();
  const std::lock_guard<std::mutex> lock(watch.mutex);
  Result result = {};
  result.allocations = watch.allocations;
  result.left = static_cast<int64_t>(watch.left.size());
  if (!watch.left.empty()) {
    result.left_at = watch.left.begin()->second;
  }
  watch.decide = nullptr;
  return result;
}

}  // namespace failing_memory

using failing_memory::Deny;
using failing_memory::Drop;
using failing_memory::Keep;

// Defines the function that the linker calls for `name`, which returns `type`: what `failed` is where it is denied, and
// else what the true function returns, which is kept for as long as it is not freed.
#define ALLOCATES(type, name, failed, parameters, arguments) \
  type __real_##name parameters;                             \
  type __wrap_##name parameters {                            \
    if (Deny()) {                                            \
      return failed;                                         \
    }                                                        \
    type made = __real_##name arguments;                     \
    Keep(made);                                              \
    return made;                                             \
  }

// The same without keeping: what is not closed shows as an open descriptor.
#define OPENS(type, name, parameters, arguments)       \
  type __real_##name parameters;                       \
  type __wrap_##name parameters {                      \
    return Deny() ? nullptr : __real_##name arguments; \
  }

// A function that frees its first parameter, `memory`.
#define FREES(type, name, parameters, arguments) \
  type __real_##name parameters;                 \
  type __wrap_##name parameters {                \
    Drop(memory);                                \
    return __real_##name arguments;              \
  }

// A function of CUDA that makes `*made`.
#define MAKES(type, name, failed, parameters, arguments) \
  type __real_##name parameters;                         \
  type __wrap_##name parameters {                        \
    if (Deny()) {                                        \
      return failed;                                     \
    }                                                    \
    const type status = __real_##name arguments;         \
    Keep(*made);                                         \
    return status;                                       \
  }

extern "C" {

ALLOCATES(void *, malloc, nullptr, (size_t bytes), (bytes))
ALLOCATES(void *, calloc, nullptr, (size_t count, size_t bytes), (count, bytes))
ALLOCATES(void *, aligned_alloc, nullptr, (size_t alignment, size_t bytes), (alignment, bytes))
ALLOCATES(char *, strdup, nullptr, (const char *text), (text))
ALLOCATES(char *, strndup, nullptr, (const char *text, size_t length), (text, length))
OPENS(FILE *, fdopen, (int descriptor, const char *mode), (descriptor, mode))
OPENS(FILE *, tmpfile, (void), ())
OPENS(FILE *, open_memstream, (char **text, size_t *length), (text, length))
OPENS(DIR *, opendir, (const char *path), (path))
OPENS(gzFile, gzopen, (const char *path, const char *mode), (path, mode))
FREES(void, free, (void *memory), (memory))
FREES(int, munmap, (void *memory, size_t bytes), (memory, bytes))

MAKES(cudaError_t, cudaMalloc, cudaErrorMemoryAllocation, (void **made, size_t bytes), (made, bytes))
MAKES(cudaError_t, cudaMallocHost, cudaErrorMemoryAllocation, (void **made, size_t bytes), (made, bytes))
MAKES(cudaError_t, cudaStreamCreateWithFlags, cudaErrorMemoryAllocation, (cudaStream_t * made, unsigned flags),
      (made, flags))
MAKES(cudaError_t, cudaEventCreateWithFlags, cudaErrorMemoryAllocation, (cudaEvent_t * made, unsigned flags),
      (made, flags))
MAKES(cudaError_t, cudaGraphInstantiateWithFlags, cudaErrorMemoryAllocation,
      (cudaGraphExec_t * made, cudaGraph_t graph, unsigned long long flags), (made, graph, flags))
MAKES(cublasStatus_t, cublasCreate, CUBLAS_STATUS_ALLOC_FAILED, (cublasHandle_t * made), (made))
MAKES(curandStatus_t, curandCreateGenerator, CURAND_STATUS_ALLOCATION_FAILED,
      (curandGenerator_t * made, curandRngType_t type), (made, type))
FREES(cudaError_t, cudaFree, (void *memory), (memory))
FREES(cudaError_t, cudaFreeHost, (void *memory), (memory))
FREES(cudaError_t, cudaStreamDestroy, (cudaStream_t memory), (memory))
FREES(cudaError_t, cudaEventDestroy, (cudaEvent_t memory), (memory))
FREES(cudaError_t, cudaGraphExecDestroy, (cudaGraphExec_t memory), (memory))
FREES(cublasStatus_t, cublasDestroy, (cublasHandle_t memory), (memory))
FREES(curandStatus_t, curandDestroyGenerator, (curandGenerator_t memory), (memory))

// Files about the machine are denied to nobody: every run can do without what they say.
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode) {
  return std::strncmp(path, "/proc/", 6) != 0 && Deny() ? nullptr : __real_fopen(path, mode);
}

void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes) {
  if (Deny()) {
    return nullptr;
  }
  Drop(memory);
  void *made = __real_realloc(memory, bytes);
  Keep(made);
  return made;
}

// Maps without a file are the emulation's own.
void *__real_mmap(void *place, size_t bytes, int how, int flags, int descriptor, off_t offset);
void *__wrap_mmap(void *place, size_t bytes, int how, int flags, int descriptor, off_t offset) {
  if (descriptor < 0) {
    return __real_mmap(place, bytes, how, flags, descriptor, offset);
  }
  void *made = Deny() ? MAP_FAILED : __real_mmap(place, bytes, how, flags, descriptor, offset);
  Keep(made);
  return made;
}

char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved) {
  if (resolved != nullptr) {
    return __real_realpath(path, resolved);
  }
  char *made = Deny() ? nullptr : __real_realpath(path, nullptr);
  Keep(made);
  return made;
}

int __wrap_asprintf(char **text, const char *format, ...) {
  if (Deny()) {
    return -1;
  }
  va_list arguments;
  va_start(arguments, format);
  const int length = vasprintf(text, format, arguments);
  va_end(arguments);
  Keep(length < 0 ? nullptr : *text);
  return length;
}

// Asks for memory at every call, where the true one would for a longer line alone.
ssize_t __real_getdelim(char **line, size_t *size, int end, FILE *file);
ssize_t __wrap_getdelim(char **line, size_t *size, int end, FILE *file) {
  if (Deny()) {
    return -1;
  }
  Drop(*line);
  const ssize_t length = __real_getdelim(line, size, end, file);
  Keep(*line);
  return length;
}
ssize_t __wrap_getline(char **line, size_t *size, FILE *file) {
  return __wrap_getdelim(line, size, '\n', file);
}

// Nothing of these tests outlives the machine.
int __wrap_fsync(int) {
  return 0;
}

}  // extern "C"
