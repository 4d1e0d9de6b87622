// runtime.h - what the emulated calls share: the state of the device, and how errors are kept.
#ifndef SIMT_RUNTIME_H
#define SIMT_RUNTIME_H

#include <map>
#include <mutex>

#include "cuda_runtime_api.h"
#include "simt.h"

namespace simt {

struct State {
  std::recursive_mutex mutex;  // held by every call, so one call runs at a time
  int driver_version = CUDART_VERSION;
  int devices = 1;
  int major = 9, minor = 0;
  size_t shared_bytes = kMostSharedMemory;        // that a block may ask for
  bool cooperative = true;                        // launches are possible
  std::map<const void *, size_t> asked_for = {};  // by kernels, above what every block has
  cudaError_t fail_next = cudaSuccess;            // of the next wait
  cudaError_t sticky = cudaSuccess;               // of every call
  Counters counters = {};
};

State &TheState();

// Shared memory that a block of a kernel may have.
size_t MostSharedBytes(const void *function);

// Why no call can succeed now, or cudaSuccess.
cudaError_t Usable();

// Keeps an error as the calling thread's last one; returns it.
cudaError_t Remember(cudaError_t error);

// What a wait returns: the error that FailNext has asked for, once.
cudaError_t TakeFault();

// Runs the body of a call, a function that returns cudaError_t.
template <class Body>
cudaError_t Call(Body body) {
  const std::lock_guard<std::recursive_mutex> lock(TheState().mutex);
  const cudaError_t error = Usable();
  return Remember(error != cudaSuccess ? error : body());
}

}  // namespace simt

#endif
