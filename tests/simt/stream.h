// stream.h - work that waits on a stream until somebody waits for it.
#ifndef SIMT_STREAM_H
#define SIMT_STREAM_H

#include <functional>

#include "cuda_runtime_api.h"

namespace simt {

enum class Work { kLaunch, kCopyIn, kCopyOut, kOther };

struct Task {
  Work work;
  std::function<void()> run;
  const void *pinned_source = nullptr;  // pinned memory that it will read
  void *pinned_target = nullptr;        // pinned memory that it will write
  size_t bytes = 0;                     // of either
};

// Queues a task, or records it if the stream is being captured. The caller holds the state's mutex.
cudaError_t Enqueue(cudaStream_t stream, Task task);

// An error if this thread is capturing, which then has failed.
cudaError_t RefuseInCapture();

// Runs all work of all streams.
void RunEverything();

// Forgets the work of all streams, and that this thread is capturing.
void DropEverything();

}  // namespace simt

#endif
