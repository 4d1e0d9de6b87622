// runtime.cc - errors, the device, and memory.
#include "runtime.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "heap.h"
#include "launch.h"
#include "report.h"
#include "stream.h"

namespace simt {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

// Takes the fault that AIT_SIMT_FAULT names.
void ApplyEnvironment(State &state) {
  const char *variable = std::getenv("AIT_SIMT_FAULT");
  const std::string fault = variable != nullptr ? variable : "";
  if (fault == "no-driver") {
    state.driver_version = 0;
  } else if (fault == "old-driver") {
    state.driver_version = CUDART_VERSION - 1000;
  } else if (fault == "no-device") {
    state.devices = 0;
  } else if (fault == "old-device") {
    state.major = 7;
  } else if (fault.rfind("memory:", 0) == 0) {
    DeviceHeap().SetCapacity(std::strtoull(fault.c_str() + std::strlen("memory:"), nullptr, 10));
  } else if (fault == "sticky") {
    state.fail_next = cudaErrorIllegalAddress;
  } else if (!fault.empty()) {
    Die("AIT_SIMT_FAULT=%s is none of no-driver, old-driver, no-device, old-device, memory:BYTES, sticky", variable);
  }
}

bool IsSticky(cudaError_t error) {
  return error == cudaErrorIllegalAddress || error == cudaErrorLaunchFailure;
}

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};

const ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid launch configuration"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver", "driver older than the runtime, or none"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA device"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "no device of this number"},
    {cudaErrorNotReady, "cudaErrorNotReady", "not finished yet"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "illegal memory access"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "a launch failed"},
    {cudaErrorCooperativeLaunchTooLarge, "cudaErrorCooperativeLaunchTooLarge", "more blocks than fit at once"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported", "not allowed during a capture"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated", "the capture had failed before"},
};

const ErrorText &TextOf(cudaError_t error) {
  static const ErrorText unknown = {cudaSuccess, "unknown", "unknown error"};
  for (const ErrorText &text : kErrors) {
    if (text.error == error) {
      return text;
    }
  }
  return unknown;
}

}  // namespace

void Die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::fputs("simt: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputs("\n", stderr);
  va_end(arguments);
  std::abort();
}

State &TheState() {
  static State *state = [] {
    auto *made = new State;
    ApplyEnvironment(*made);
    return made;
  }();
  return *state;
}

size_t MostSharedBytes(const void *function) {
  const auto &asked_for = TheState().asked_for;
  const auto found = asked_for.find(function);
  return found != asked_for.end() && found->second > kMostSharedBytes ? found->second : kMostSharedBytes;
}

cudaError_t Usable() {
  const State &state = TheState();
  if (state.driver_version < CUDART_VERSION) {
    return cudaErrorInsufficientDriver;
  }
  return state.devices == 0 ? cudaErrorNoDevice : state.sticky;
}

cudaError_t Remember(cudaError_t error) {
  if (error != cudaSuccess) {
    last_error = error;
  }
  return error;
}

cudaError_t TakeFault() {
  State &state = TheState();
  const cudaError_t error = state.fail_next;
  state.fail_next = cudaSuccess;
  if (IsSticky(error)) {
    state.sticky = error;
  }
  return error;
}

/* ---- controls ------------------------------------------------------------------------------ */

Counters GetCounters() {
  return TheState().counters;
}

void ResetCounters() {
  TheState().counters = {};
}

void SetDriverVersion(int version) {
  TheState().driver_version = version;
}

void SetDeviceCount(int count) {
  TheState().devices = count;
}

void SetComputeCapability(int major, int minor) {
  TheState().major = major;
  TheState().minor = minor;
}

void SetSharedMemory(size_t bytes) {
  TheState().shared_bytes = bytes;
}

void SetCooperativeLaunch(bool possible) {
  TheState().cooperative = possible;
}

void SetMemory(size_t bytes) {
  DeviceHeap().SetCapacity(bytes);
}

void FailNext(cudaError_t error) {
  TheState().fail_next = error;
}

void Reset() {
  DropEverything();
  DeviceHeap().Clear();
  SetMemory(kMostMemory);
  SetDriverVersion(CUDART_VERSION);
  SetDeviceCount(1);
  SetComputeCapability(9, 0);
  SetSharedMemory(kMostSharedMemory);
  SetCooperativeLaunch(true);
  TheState().asked_for.clear();
  FailNext(cudaSuccess);
  TheState().sticky = cudaSuccess;
  last_error = cudaSuccess;
  ResetCounters();
}

}  // namespace simt

using simt::Call;
using simt::DeviceHeap;
using simt::TheState;

/* ---- errors -------------------------------------------------------------------------------- */

const char *cudaGetErrorName(cudaError_t error) {
  return simt::TextOf(error).name;
}

const char *cudaGetErrorString(cudaError_t error) {
  return simt::TextOf(error).text;
}

cudaError_t cudaPeekAtLastError() {
  return simt::last_error;
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = simt::last_error;
  simt::last_error = TheState().sticky;
  return error;
}

/* ---- device -------------------------------------------------------------------------------- */

cudaError_t cudaDriverGetVersion(int *version) {
  *version = TheState().driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
  *count = 0;
  return Call([&] {
    *count = TheState().devices;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return Call([&] { return device >= 0 && device < TheState().devices ? cudaSuccess : cudaErrorInvalidDevice; });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
  return Call([&] {
    if (device < 0 || device >= TheState().devices) {
      return cudaErrorInvalidDevice;
    }
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "SIMT emulation");
    properties->totalGlobalMem = DeviceHeap().capacity();
    properties->sharedMemPerBlock = simt::kMostSharedBytes;
    properties->major = TheState().major;
    properties->minor = TheState().minor;
    properties->multiProcessorCount = simt::kMultiprocessors;
    properties->cooperativeLaunch = TheState().cooperative;
    properties->sharedMemPerBlockOptin = TheState().shared_bytes;
    properties->sharedMemPerMultiprocessor = simt::kSharedBytesPerMultiprocessor;
    properties->reservedSharedMemPerBlock = simt::kSharedBytesOfTheSystem;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void *function, cudaFuncAttribute attribute, int value) {
  return Call([&] {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        static_cast<size_t>(value) > TheState().shared_bytes) {
      return cudaErrorInvalidValue;
    }
    TheState().asked_for[function] = static_cast<size_t>(value);
    return cudaSuccess;
  });
}

/* ---- memory -------------------------------------------------------------------------------- */

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
  return Call([&] {
    *total_bytes = DeviceHeap().capacity();
    *free_bytes = *total_bytes - DeviceHeap().used();
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void **memory, size_t bytes) {
  *memory = nullptr;
  return Call([&] {
    const cudaError_t error = simt::RefuseInCapture();
    if (error != cudaSuccess || bytes == 0) {
      return error;
    }
    *memory = DeviceHeap().Allocate(bytes);
    return *memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaFree(void *memory) {
  return Call([&] {
    const cudaError_t error = simt::RefuseInCapture();
    if (error != cudaSuccess || memory == nullptr) {
      return error;
    }
    simt::RunEverything();
    return DeviceHeap().Free(memory) ? simt::TakeFault() : cudaErrorInvalidValue;
  });
}

cudaError_t cudaMallocHost(void **memory, size_t bytes) {
  *memory = nullptr;
  return Call([&] {
    const cudaError_t error = simt::RefuseInCapture();
    if (error != cudaSuccess || bytes == 0) {
      return error;
    }
    *memory = simt::AllocatePinned(bytes);
    return *memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

// The memory goes back even after a sticky error, as it would at the end of the process.
cudaError_t cudaFreeHost(void *memory) {
  const std::lock_guard<std::recursive_mutex> lock(TheState().mutex);
  cudaError_t error = Call(simt::RefuseInCapture);
  if (error == cudaErrorStreamCaptureUnsupported || memory == nullptr) {
    return error;
  }
  if (error == cudaSuccess) {
    simt::RunEverything();
  }
  return simt::FreePinned(memory) ? error : simt::Remember(cudaErrorInvalidValue);
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *pointer) {
  return Call([&] {
    *attributes = {};
    void *memory = const_cast<void *>(pointer);
    if (DeviceHeap().Owns(pointer)) {
      *attributes = {cudaMemoryTypeDevice, 0, memory, nullptr};
    } else if (simt::IsPinned(pointer, 0)) {
      *attributes = {cudaMemoryTypeHost, 0, memory, memory};
    }
    return cudaSuccess;
  });
}
