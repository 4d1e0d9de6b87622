// stream.cc - streams, events, copies, captures and graphs. Everything waits in its stream's queue
// until a call waits for it; running it then takes place in that call.
#include "stream.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cuda_runtime.h"
#include "heap.h"
#include "launch.h"
#include "runtime.h"

namespace simt {
namespace {

struct Queue {
  std::deque<Task> tasks;
  uint64_t queued = 0, done = 0;  // tasks ever queued and done
};

}  // namespace
}  // namespace simt

struct CUgraph_st {
  std::vector<simt::Task> tasks;
};

struct CUgraphExec_st {
  std::vector<simt::Task> tasks;
};

struct CUstream_st {
  std::shared_ptr<simt::Queue> queue = std::make_shared<simt::Queue>();
  bool capturing = false, invalid = false;
  std::vector<simt::Task> recorded;
};

// Done when its queue has done `after` tasks.
struct CUevent_st {
  std::shared_ptr<simt::Queue> queue;
  uint64_t after = 0;
};

namespace simt {
namespace {

thread_local cudaStream_t capturing_stream = nullptr;

std::set<cudaStream_t> &Streams() {
  static auto *streams = new std::set<cudaStream_t>;
  return *streams;
}

// NULL names the default stream.
CUstream_st &Resolve(cudaStream_t stream) {
  static auto *default_stream = *Streams().insert(new CUstream_st).first;
  return stream != nullptr ? *stream : *default_stream;
}

bool IsDone(const Queue &queue, uint64_t after) {
  return queue.done >= after;
}

void RunUntil(Queue &queue, uint64_t after) {
  if (IsDone(queue, after)) {
    return;
  }
  ++TheState().counters.blocking_waits;
  const Heap::Opening open(DeviceHeap());
  while (!IsDone(queue, after)) {
    const Task task = std::move(queue.tasks.front());
    queue.tasks.pop_front();
    if (task.pinned_target != nullptr) {
      Deliver(task.pinned_target, task.bytes);
    }
    task.run();
    ++queue.done;
  }
  DeviceHeap().CheckRedZones();
}

cudaError_t Wait(Queue &queue, uint64_t after) {
  RunUntil(queue, after);
  return TakeFault();
}

bool Overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
  const auto start_a = reinterpret_cast<uintptr_t>(a), start_b = reinterpret_cast<uintptr_t>(b);
  return start_a < start_b + b_bytes && start_b < start_a + a_bytes;
}

// Whether waiting work has yet to read from there.
bool WillBeRead(const void *memory, size_t bytes) {
  for (const cudaStream_t stream : Streams()) {
    for (const Task &task : stream->queue->tasks) {
      if (task.pinned_source != nullptr && Overlap(task.pinned_source, task.bytes, memory, bytes)) {
        return true;
      }
    }
  }
  return false;
}

void Push(Queue &queue, Task task) {
  Counters &counters = TheState().counters;
  counters.copies_in += task.work == Work::kCopyIn;
  counters.copies_out += task.work == Work::kCopyOut;
  if (task.pinned_target != nullptr && !WillBeRead(task.pinned_target, task.bytes)) {
    Withhold(task.pinned_target, task.bytes);
  }
  queue.tasks.push_back(std::move(task));
  ++queue.queued;
}

/* ---- copies -------------------------------------------------------------------------------- */

Task CopyTask(Work work, void *target, const void *source, size_t bytes) {
  return {work, [=] { std::memcpy(target, source, bytes); }};
}

cudaError_t CopyIn(void *target, const void *source, size_t bytes, cudaStream_t stream) {
  if (IsPinned(source, bytes)) {
    Task task = CopyTask(Work::kCopyIn, target, source, bytes);
    task.pinned_source = source;
    task.bytes = bytes;
    return Enqueue(stream, std::move(task));
  }
  const cudaError_t error = RefuseInCapture();
  if (error != cudaSuccess) {
    return error;
  }
  const auto kept = std::make_shared<std::string>(static_cast<const char *>(source), bytes);
  return Enqueue(stream, {Work::kCopyIn, [=] { std::memcpy(target, kept->data(), bytes); }});
}

cudaError_t CopyOut(void *target, const void *source, size_t bytes, cudaStream_t stream) {
  Task task = CopyTask(Work::kCopyOut, target, source, bytes);
  if (IsPinned(target, bytes)) {
    task.pinned_target = target;
    task.bytes = bytes;
    return Enqueue(stream, std::move(task));
  }
  cudaError_t error = RefuseInCapture();
  if (error == cudaSuccess) {
    error = Enqueue(stream, std::move(task));
  }
  Queue &queue = *Resolve(stream).queue;
  return error == cudaSuccess ? Wait(queue, queue.queued) : error;
}

bool IsOn(bool device, const void *memory, size_t bytes) {
  return device ? DeviceHeap().Holds(memory, bytes) : memory != nullptr && !DeviceHeap().Owns(memory);
}

}  // namespace

cudaError_t Enqueue(cudaStream_t stream, Task task) {
  CUstream_st &s = Resolve(stream);
  if (!s.capturing) {
    Push(*s.queue, std::move(task));
    return cudaSuccess;
  }
  if (s.invalid) {
    return cudaErrorStreamCaptureInvalidated;
  }
  s.recorded.push_back(std::move(task));
  return cudaSuccess;
}

cudaError_t RefuseInCapture() {
  if (capturing_stream == nullptr) {
    return cudaSuccess;
  }
  capturing_stream->invalid = true;
  return cudaErrorStreamCaptureUnsupported;
}

void RunEverything() {
  for (const cudaStream_t stream : Streams()) {
    RunUntil(*stream->queue, stream->queue->queued);
  }
}

void DropEverything() {
  for (const cudaStream_t stream : Streams()) {
    Queue &queue = *stream->queue;
    for (const Task &task : queue.tasks) {
      if (task.pinned_target != nullptr) {
        Deliver(task.pinned_target, task.bytes);
      }
    }
    queue.tasks.clear();
    queue.done = queue.queued;
    stream->capturing = false;
  }
  capturing_stream = nullptr;
}

cudaError_t QueueLaunch(const char *name, const void *function, bool cooperative, dim3 grid, dim3 block,
                        size_t shared_bytes, cudaStream_t stream, std::function<void()> kernel) {
  return Call([&] {
    const size_t most = MostSharedBytes(function);
    const auto launch =
        std::make_shared<Grid>(Grid{name, grid, block, shared_bytes, most, cooperative, std::move(kernel)});
    if (!IsPossible(*launch)) {
      return cudaErrorInvalidConfiguration;
    }
    if (cooperative && !Fits(*launch)) {
      return cudaErrorCooperativeLaunchTooLarge;
    }
    TheState().counters.launches += !Resolve(stream).capturing;
    return Enqueue(stream, {Work::kLaunch, [launch] { Run(*launch); }});
  });
}

}  // namespace simt

using simt::Call;
using simt::Enqueue;
using simt::RefuseInCapture;
using simt::Resolve;
using simt::TheState;

/* ---- copies -------------------------------------------------------------------------------- */

cudaError_t cudaMemcpyAsync(void *target, const void *source, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return Call([&] {
    if (bytes == 0) {
      return cudaSuccess;
    }
    const bool any = kind == cudaMemcpyDefault;
    const bool from_device =
        any ? simt::DeviceHeap().Owns(source) : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    const bool to_device =
        any ? simt::DeviceHeap().Owns(target) : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    if (!simt::IsOn(from_device, source, bytes) || !simt::IsOn(to_device, target, bytes)) {
      return cudaErrorInvalidValue;
    }
    if (from_device == to_device) {
      return from_device ? Enqueue(stream, simt::CopyTask(simt::Work::kOther, target, source, bytes))
                         : cudaErrorInvalidValue;
    }
    return to_device ? simt::CopyIn(target, source, bytes, stream) : simt::CopyOut(target, source, bytes, stream);
  });
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream) {
  return Call([&] {
    if (bytes == 0) {
      return cudaSuccess;
    }
    if (!simt::DeviceHeap().Holds(memory, bytes)) {
      return cudaErrorInvalidValue;
    }
    return Enqueue(stream, {simt::Work::kOther, [=] { std::memset(memory, value, bytes); }});
  });
}

/* ---- streams ------------------------------------------------------------------------------- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags) {
  return Call([&] {
    if (flags > cudaStreamNonBlocking) {
      return cudaErrorInvalidValue;
    }
    *stream = *simt::Streams().insert(new CUstream_st).first;
    return cudaSuccess;
  });
}

// What is queued still runs, as the real call lets it, unless the device has failed.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard<std::recursive_mutex> lock(TheState().mutex);
  if (stream == nullptr || simt::Streams().erase(stream) == 0) {
    return simt::Remember(cudaErrorInvalidValue);
  }
  const cudaError_t error = Call([&] {
    simt::RunUntil(*stream->queue, stream->queue->queued);
    return cudaSuccess;
  });
  if (simt::capturing_stream == stream) {
    simt::capturing_stream = nullptr;
  }
  delete stream;
  return error;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return Call([&] {
    const cudaError_t error = RefuseInCapture();
    simt::Queue &queue = *Resolve(stream).queue;
    return error != cudaSuccess ? error : simt::Wait(queue, queue.queued);
  });
}

/* ---- events -------------------------------------------------------------------------------- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags) {
  return Call([&] {
    if (flags > 7) {
      return cudaErrorInvalidValue;
    }
    *event = new CUevent_st;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return Call([] { return cudaSuccess; });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return Call([&] {
    CUstream_st &s = Resolve(stream);
    if (s.capturing) {
      return RefuseInCapture();
    }
    event->queue = s.queue;
    event->after = s.queue->queued;
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return Call([&] {
    const cudaError_t error = RefuseInCapture();
    if (error != cudaSuccess) {
      return error;
    }
    const bool done = event->queue == nullptr || simt::IsDone(*event->queue, event->after);
    return done ? cudaSuccess : cudaErrorNotReady;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return Call([&] {
    const cudaError_t error = RefuseInCapture();
    if (error != cudaSuccess || event->queue == nullptr) {
      return error;
    }
    return simt::Wait(*event->queue, event->after);
  });
}

/* ---- captures and graphs ------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return Call([&] {
    if (mode != cudaStreamCaptureModeThreadLocal) {
      return cudaErrorInvalidValue;
    }
    if (stream == nullptr) {
      return cudaErrorStreamCaptureUnsupported;
    }
    if (stream->capturing || simt::capturing_stream != nullptr) {
      return cudaErrorInvalidValue;
    }
    stream->capturing = true;
    stream->invalid = false;
    stream->recorded.clear();
    simt::capturing_stream = stream;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  *graph = nullptr;
  return Call([&] {
    if (stream == nullptr || stream != simt::capturing_stream) {
      return cudaErrorInvalidValue;
    }
    stream->capturing = false;
    simt::capturing_stream = nullptr;
    if (stream->invalid) {
      stream->recorded.clear();
      return cudaErrorStreamCaptureInvalidated;
    }
    *graph = new CUgraph_st{std::move(stream->recorded)};
    stream->recorded.clear();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags) {
  *executable = nullptr;
  return Call([&] {
    if (graph == nullptr || flags != 0) {
      return cudaErrorInvalidValue;
    }
    *executable = new CUgraphExec_st{graph->tasks};
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return Call([&] {
    CUstream_st &s = Resolve(stream);
    if (s.capturing) {
      return RefuseInCapture();
    }
    ++TheState().counters.graph_launches;
    for (const simt::Task &task : executable->tasks) {
      simt::Push(*s.queue, task);
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return Call([] { return cudaSuccess; });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return Call([] { return cudaSuccess; });
}
