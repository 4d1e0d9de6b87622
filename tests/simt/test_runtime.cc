// test_runtime.cc - the runtime API of the emulation: work waits until it is waited for, misuse is
// refused as a GPU refuses it, and faults can be had for the asking.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "faults.h"
#include "heap.h"
#include "simt_support.h"

namespace simt_tests {
namespace {

using Floats = std::vector<float>;

// Pinned memory for n numbers.
class Pinned {
 public:
  explicit Pinned(size_t n) {
    void *memory = nullptr;
    EXPECT_EQ(cudaSuccess, cudaMallocHost(&memory, n * sizeof(float)));
    memory_ = static_cast<float *>(memory);
  }
  ~Pinned() {
    cudaFreeHost(memory_);
  }
  Pinned(const Pinned &) = delete;
  Pinned &operator=(const Pinned &) = delete;

  float *get() {
    return memory_;
  }

 private:
  float *memory_ = nullptr;
};

class SimtCopy : public Simt {
 protected:
  cudaError_t In(float *target, const float *source, size_t n) {
    return cudaMemcpyAsync(target, source, n * sizeof(float), cudaMemcpyHostToDevice, stream_);
  }
  cudaError_t Out(float *target, const float *source, size_t n) {
    return cudaMemcpyAsync(target, source, n * sizeof(float), cudaMemcpyDeviceToHost, stream_);
  }
};

class SimtCapture : public SimtCopy {
 protected:
  void Begin() {
    ASSERT_EQ(cudaSuccess, cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  }

  // Ends a capture and makes what was recorded ready to launch.
  cudaGraphExec_t End() {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    EXPECT_EQ(cudaSuccess, cudaStreamEndCapture(stream_, &graph));
    EXPECT_EQ(cudaSuccess, cudaGraphInstantiateWithFlags(&executable, graph, 0));
    EXPECT_EQ(cudaSuccess, cudaGraphDestroy(graph));
    return executable;
  }
};

/* ---- copies and waits ---------------------------------------------------------------------- */

TEST_F(SimtCopy, PinnedTargetIsNanUntilSynchronised) {
  const Floats values = {1, 2, 3};
  const float *v = Upload(values);
  Pinned pinned(3);
  ASSERT_EQ(cudaSuccess, Out(pinned.get(), v, 3));
  if (kAddressSanitizer) {
    EXPECT_DEATH(std::printf("%f\n", static_cast<double>(pinned.get()[2])), "use-after-poison");
  } else {
    EXPECT_TRUE(std::isnan(pinned.get()[2]));
  }
  ASSERT_EQ(cudaSuccess, Synchronize());
  EXPECT_EQ(values, Floats(pinned.get(), pinned.get() + 3));
}

TEST_F(SimtCopy, PinnedSourceIsReadLate) {
  Pinned pinned(1);
  pinned.get()[0] = 1;
  float *v = Allocate(1);
  ASSERT_EQ(cudaSuccess, In(v, pinned.get(), 1));
  pinned.get()[0] = 2;  // too early
  EXPECT_EQ(2.0f, Download(v, 1)[0]);
  ASSERT_EQ(cudaSuccess, In(v, pinned.get(), 1));
  ASSERT_EQ(cudaSuccess, Synchronize());
  pinned.get()[0] = 3;
  EXPECT_EQ(2.0f, Download(v, 1)[0]);
}

TEST_F(SimtCopy, PageableSourceIsReadAtOnceAndPageableTargetWaits) {
  float source = 1, target = 0;
  float *v = Allocate(1);
  ASSERT_EQ(cudaSuccess, In(v, &source, 1));
  source = 2;
  ASSERT_EQ(cudaSuccess, Out(&target, v, 1));
  EXPECT_EQ(1.0f, target);
}

TEST_F(SimtCopy, KeepsTheOrderOfAStream) {
  // In and out of the same pinned memory: the copy in must not see what the copy out withholds.
  Pinned pinned(2);
  pinned.get()[0] = pinned.get()[1] = 5;
  float *v = Allocate(2), *w = Allocate(2);
  ASSERT_EQ(cudaSuccess, In(v, pinned.get(), 2));
  faults::ScaleByValue(stream_, 2, 2, v);
  ASSERT_EQ(cudaSuccess, cudaMemcpyAsync(w, v, 2 * sizeof(float), cudaMemcpyDeviceToDevice, stream_));
  ASSERT_EQ(cudaSuccess, cudaMemsetAsync(v, 0, sizeof(float), stream_));
  ASSERT_EQ(cudaSuccess, Out(pinned.get(), v, 2));
  ASSERT_EQ(cudaSuccess, Synchronize());
  EXPECT_EQ((Floats{0, 10}), Floats(pinned.get(), pinned.get() + 2));
  EXPECT_EQ(Floats(2, 10), Download(w, 2));
}

TEST_F(SimtCopy, RefusesWrongDirectionsAndRanges) {
  float host[4] = {};
  float *v = Allocate(4);
  EXPECT_EQ(cudaErrorInvalidValue, In(host, host, 1));
  EXPECT_EQ(cudaErrorInvalidValue, In(v, v, 1));
  EXPECT_EQ(cudaErrorInvalidValue, In(v + 1, host, 4));
  EXPECT_EQ(cudaErrorInvalidValue, Out(host, v + 1, 4));
  EXPECT_EQ(cudaErrorInvalidValue, cudaMemsetAsync(v, 0, 5 * sizeof(float), stream_));
  EXPECT_EQ(cudaErrorInvalidValue, cudaGetLastError());
  EXPECT_EQ(cudaSuccess, cudaGetLastError());
  EXPECT_EQ(cudaSuccess, In(v + 1, host, 3));
  EXPECT_EQ(cudaSuccess, In(nullptr, nullptr, 0));
  EXPECT_EQ(cudaSuccess, cudaMemcpyAsync(host, v, sizeof host, cudaMemcpyDefault, stream_));
}

TEST_F(Simt, HostCannotTouchDeviceMemory) {
  volatile float *v = Upload(Floats{7});
  ASSERT_EQ(cudaSuccess, Synchronize());
  EXPECT_DEATH(v[0] = 1, "");
  EXPECT_DEATH(std::exit(v[0] == 7 ? 0 : 1), "");
  EXPECT_EQ(7.0f, Download(const_cast<const float *>(v), 1)[0]);
}

TEST_F(Simt, EventIsReadyWhenItsWorkHasRun) {
  float *v = Allocate(1);
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaSuccess, cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  EXPECT_EQ(cudaSuccess, cudaEventQuery(event)) << "never recorded";
  faults::Fill(stream_, 1, 1, v);
  ASSERT_EQ(cudaSuccess, cudaEventRecord(event, stream_));
  faults::Fill(stream_, 1, 2, v);
  EXPECT_EQ(cudaErrorNotReady, cudaEventQuery(event));
  EXPECT_EQ(cudaErrorNotReady, cudaGetLastError());
  ASSERT_EQ(cudaSuccess, cudaEventSynchronize(event));
  EXPECT_EQ(cudaSuccess, cudaEventQuery(event));
  ASSERT_EQ(cudaSuccess, cudaEventRecord(event, stream_));
  EXPECT_EQ(cudaErrorNotReady, cudaEventQuery(event)) << "the second kernel has not run";
  ASSERT_EQ(cudaSuccess, Synchronize());
  EXPECT_EQ(cudaSuccess, cudaEventQuery(event));
  EXPECT_EQ(cudaSuccess, cudaEventDestroy(event));
}

TEST_F(Simt, StreamsAreIndependentAndFreeWaitsForAll) {
  cudaStream_t other = nullptr;
  ASSERT_EQ(cudaSuccess, cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
  float *v = Upload(Floats{1}), *unused = Allocate(1);
  ASSERT_EQ(cudaSuccess, Synchronize());
  faults::ScaleByValue(other, 1, 3, v);
  EXPECT_EQ(1.0f, Download(v, 1)[0]) << "no wait for the other stream";
  ASSERT_EQ(cudaSuccess, cudaFree(unused));
  EXPECT_EQ(3.0f, Download(v, 1)[0]);
  faults::ScaleByValue(other, 1, 3, v);
  EXPECT_EQ(cudaSuccess, cudaStreamDestroy(other));
  EXPECT_EQ(9.0f, Download(v, 1)[0]);
}

TEST_F(Simt, RunsOnWhicheverThreadWaits) {
  Floats values(256, 1);
  float *v = Upload(values), *out = Allocate(1);
  const auto work = [&] {
    for (int i = 0; i < 20; ++i) {
      faults::Sum(stream_, 256, v, out);
      EXPECT_EQ(cudaSuccess, Synchronize());
    }
  };
  std::thread thread(work);
  work();
  thread.join();
  EXPECT_EQ(256.0f, Download(out, 1)[0]);
}

TEST_F(Simt, CountsWhatTheHostDoes) {
  float *v = Upload(Floats{1, 2});
  ASSERT_EQ(cudaSuccess, Synchronize());
  ASSERT_EQ(cudaSuccess, Synchronize());  // nothing to wait for
  faults::Fill(stream_, 2, 1, v);
  faults::Fill(stream_, 2, 2, v);
  Download(v, 2);
  const simt::Counters counters = simt::GetCounters();
  EXPECT_EQ(2, counters.launches);
  EXPECT_EQ(0, counters.graph_launches);
  EXPECT_EQ(2, counters.blocking_waits);
  EXPECT_EQ(1, counters.copies_in);
  EXPECT_EQ(1, counters.copies_out);
  simt::ResetCounters();
  EXPECT_EQ(0, simt::GetCounters().launches);
}

/* ---- captures and graphs ------------------------------------------------------------------- */

TEST_F(SimtCapture, GraphKeepsScalarsAndReadsMemory) {
  float factor = 2;
  float *by_value = Upload(Floats{1}), *by_memory = Upload(Floats{1}), *memory = Upload(Floats{factor});
  Begin();
  faults::ScaleByValue(stream_, 1, factor, by_value);
  faults::ScaleByMemory(stream_, 1, memory, by_memory);
  cudaGraphExec_t graph = End();
  EXPECT_EQ(1.0f, Download(by_value, 1)[0]) << "a capture runs nothing";
  simt::ResetCounters();
  ASSERT_EQ(cudaSuccess, cudaGraphLaunch(graph, stream_));
  factor = 5;
  ASSERT_EQ(cudaSuccess, cudaMemcpyAsync(memory, &factor, sizeof factor, cudaMemcpyHostToDevice, stream_));
  ASSERT_EQ(cudaSuccess, cudaGraphLaunch(graph, stream_));
  EXPECT_EQ(4.0f, Download(by_value, 1)[0]) << "2 * 2: the recorded factor";
  EXPECT_EQ(10.0f, Download(by_memory, 1)[0]) << "2 * 5: the factor at each launch";
  EXPECT_EQ(0, simt::GetCounters().launches);
  EXPECT_EQ(2, simt::GetCounters().graph_launches);
  EXPECT_EQ(cudaSuccess, cudaGraphExecDestroy(graph));
}

TEST_F(SimtCapture, GraphCopiesPinnedMemoryAtEachLaunch) {
  Pinned in(1), out(1);
  float *v = Allocate(1);
  in.get()[0] = 1;
  Begin();
  ASSERT_EQ(cudaSuccess, In(v, in.get(), 1));
  ASSERT_EQ(cudaSuccess, Out(out.get(), v, 1));
  cudaGraphExec_t graph = End();
  for (const float value : {3.0f, 4.0f}) {
    in.get()[0] = value;
    ASSERT_EQ(cudaSuccess, cudaGraphLaunch(graph, stream_));
    ASSERT_EQ(cudaSuccess, Synchronize());
    EXPECT_EQ(value, out.get()[0]);
  }
  EXPECT_EQ(2, simt::GetCounters().copies_in);
  EXPECT_EQ(2, simt::GetCounters().copies_out);
  EXPECT_EQ(cudaSuccess, cudaGraphExecDestroy(graph));
}

TEST_F(SimtCapture, RefusesWhatWouldWait) {
  Pinned pinned(1);
  float host = 1;
  float *v = Allocate(1);
  void *memory = nullptr;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaSuccess, cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  const std::vector<std::function<cudaError_t()>> calls = {
      [&] { return cudaMalloc(&memory, 1); },
      [&] { return cudaFree(v); },
      [&] { return cudaMallocHost(&memory, 1); },
      [&] { return cudaFreeHost(pinned.get()); },
      [&] { return cudaStreamSynchronize(stream_); },
      [&] { return cudaEventSynchronize(event); },
      [&] { return cudaEventQuery(event); },
      [&] { return cudaEventRecord(event, stream_); },
      [&] { return In(v, &host, 1); },
      [&] { return Out(&host, v, 1); },
  };
  for (size_t i = 0; i < calls.size(); ++i) {
    Begin();
    EXPECT_EQ(cudaErrorStreamCaptureUnsupported, calls[i]()) << "call " << i;
    EXPECT_EQ(cudaErrorStreamCaptureInvalidated, In(v, pinned.get(), 1)) << "call " << i;
    cudaGraph_t graph = reinterpret_cast<cudaGraph_t>(&host);
    EXPECT_EQ(cudaErrorStreamCaptureInvalidated, cudaStreamEndCapture(stream_, &graph)) << "call " << i;
    EXPECT_EQ(nullptr, graph);
  }
  Begin();
  EXPECT_EQ(cudaSuccess, In(v, pinned.get(), 1)) << "the last failure is forgotten";
  EXPECT_EQ(cudaSuccess, cudaGraphExecDestroy(End()));
  EXPECT_EQ(cudaSuccess, cudaEventDestroy(event));
}

TEST_F(SimtCapture, NeedsABeginningAndAnEnd) {
  cudaGraph_t graph = nullptr;
  EXPECT_NE(cudaSuccess, cudaStreamEndCapture(stream_, &graph));
  EXPECT_NE(cudaSuccess, cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeThreadLocal));
  Begin();
  EXPECT_NE(cudaSuccess, cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  EXPECT_EQ(cudaSuccess, cudaGraphExecDestroy(End()));
}

/* ---- what a GPU refuses -------------------------------------------------------------------- */

TEST_F(Simt, RefusesImpossibleLaunches) {
  struct {
    int blocks, threads;
    size_t shared_bytes;
    cudaError_t error;
  } const cases[] = {
      {1, 1024, 48 << 10, cudaSuccess},
      {0, 32, 0, cudaErrorInvalidConfiguration},
      {-1, 32, 0, cudaErrorInvalidConfiguration},
      {1, 0, 0, cudaErrorInvalidConfiguration},
      {1, 1025, 0, cudaErrorInvalidConfiguration},
      {1, 32, (48 << 10) + 1, cudaErrorInvalidConfiguration},
  };
  float *v = Allocate(1);
  for (const auto &c : cases) {
    faults::Configured(stream_, c.blocks, c.threads, c.shared_bytes, v);
    EXPECT_EQ(c.error, cudaPeekAtLastError()) << c.blocks << " x " << c.threads << ", " << c.shared_bytes;
    EXPECT_EQ(c.error, cudaGetLastError());
    EXPECT_EQ(cudaSuccess, cudaGetLastError());
  }
}

TEST_F(Simt, MemoryRunsOut) {
  simt::SetMemory(1 << 20);
  size_t free_bytes = 0, total = 0;
  void *a = nullptr, *b = nullptr;
  EXPECT_EQ(cudaErrorMemoryAllocation, cudaMalloc(&a, (1 << 20) + 1));
  EXPECT_EQ(nullptr, a);
  EXPECT_EQ(cudaErrorMemoryAllocation, cudaMalloc(&a, ~size_t{0}));
  ASSERT_EQ(cudaSuccess, cudaMalloc(&a, 1 << 19));
  ASSERT_EQ(cudaSuccess, cudaMemGetInfo(&free_bytes, &total));
  EXPECT_EQ(size_t{1} << 20, total);
  EXPECT_EQ(size_t{1} << 19, free_bytes);
  ASSERT_EQ(cudaSuccess, cudaMalloc(&b, 1 << 19));
  EXPECT_EQ(0u, reinterpret_cast<size_t>(b) % 256);
  EXPECT_EQ(cudaSuccess, cudaFree(a));
  EXPECT_EQ(cudaErrorInvalidValue, cudaFree(a)) << "freed twice";
  EXPECT_EQ(cudaErrorInvalidValue, cudaFree(&free_bytes)) << "host memory";
  EXPECT_EQ(cudaSuccess, cudaMalloc(&a, 1 << 19)) << "what was freed is there again";
  EXPECT_EQ(cudaErrorMemoryAllocation, cudaMalloc(&b, 1));
}

TEST_F(Simt, TellsPointersApart) {
  Pinned pinned(2);
  float host = 0;
  const std::pair<const void *, cudaMemoryType> cases[] = {
      {Allocate(1), cudaMemoryTypeDevice}, {pinned.get() + 1, cudaMemoryTypeHost}, {&host, cudaMemoryTypeUnregistered}};
  for (const auto &[pointer, type] : cases) {
    cudaPointerAttributes attributes;
    ASSERT_EQ(cudaSuccess, cudaPointerGetAttributes(&attributes, pointer));
    EXPECT_EQ(type, attributes.type);
  }
}

/* ---- faults on demand ---------------------------------------------------------------------- */

TEST_F(Simt, PretendsToBeAnotherMachine) {
  int count = -1;
  cudaDeviceProp properties;
  ASSERT_EQ(cudaSuccess, cudaGetDeviceProperties(&properties, 0));
  EXPECT_STREQ("SIMT emulation", properties.name);
  EXPECT_EQ(9, properties.major);
  EXPECT_EQ(4, properties.multiProcessorCount);
  EXPECT_EQ(cudaErrorInvalidDevice, cudaSetDevice(1));
  simt::SetComputeCapability(7, 5);
  ASSERT_EQ(cudaSuccess, cudaGetDeviceProperties(&properties, 0));
  EXPECT_EQ(7, properties.major);
  simt::SetDeviceCount(0);
  EXPECT_EQ(cudaErrorNoDevice, cudaGetDeviceCount(&count));
  EXPECT_EQ(0, count);
  simt::SetDriverVersion(12080);
  EXPECT_EQ(cudaErrorInsufficientDriver, cudaGetDeviceCount(&count));
  int version = -1;
  EXPECT_EQ(cudaSuccess, cudaDriverGetVersion(&version));
  EXPECT_EQ(12080, version);
  EXPECT_EQ(cudaSuccess, cudaRuntimeGetVersion(&version));
  EXPECT_EQ(13000, version);
  simt::Reset();
  EXPECT_EQ(cudaSuccess, cudaGetDeviceCount(&count));
  EXPECT_EQ(1, count);
}

TEST_F(Simt, ErrorsAreStickyUntilReset) {
  void *memory = nullptr;
  simt::FailNext(cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaErrorMemoryAllocation, Synchronize());
  EXPECT_EQ(cudaErrorMemoryAllocation, cudaGetLastError());
  EXPECT_EQ(cudaSuccess, Synchronize()) << "not sticky";

  float *v = Allocate(1);
  simt::FailNext(cudaErrorIllegalAddress);
  faults::Fill(stream_, 1, 1, v);
  EXPECT_EQ(cudaSuccess, cudaGetLastError()) << "a launch does not wait";
  EXPECT_EQ(cudaErrorIllegalAddress, Synchronize());
  EXPECT_EQ(cudaErrorIllegalAddress, Synchronize());
  EXPECT_EQ(cudaErrorIllegalAddress, cudaMalloc(&memory, 1));
  EXPECT_EQ(cudaErrorIllegalAddress, cudaFree(v));
  faults::Fill(stream_, 1, 1, v);
  EXPECT_EQ(cudaErrorIllegalAddress, cudaGetLastError());
  EXPECT_EQ(cudaErrorIllegalAddress, cudaGetLastError()) << "stays the last error";
  simt::Reset();
  EXPECT_EQ(cudaSuccess, Synchronize());
  EXPECT_EQ(cudaSuccess, cudaGetLastError());
}

TEST_F(Simt, HandlesGoBackAfterAStickyError) {
  // LeakSanitizer tells if they do not.
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  void *pinned = nullptr;
  ASSERT_EQ(cudaSuccess, cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  ASSERT_EQ(cudaSuccess, cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  ASSERT_EQ(cudaSuccess, cudaMallocHost(&pinned, 100));
  simt::FailNext(cudaErrorLaunchFailure);
  EXPECT_EQ(cudaErrorLaunchFailure, cudaStreamSynchronize(stream));
  EXPECT_EQ(cudaErrorLaunchFailure, cudaFreeHost(pinned));
  EXPECT_FALSE(simt::IsPinned(pinned, 0));
  EXPECT_EQ(cudaErrorLaunchFailure, cudaEventDestroy(event));
  EXPECT_EQ(cudaErrorLaunchFailure, cudaStreamDestroy(stream));
}

// The variable is read at the first call of a process: each case is one of its own.
struct FaultCase {
  std::string fault;
  int outcome;
};

void PrintTo(const FaultCase &fault_case, std::ostream *out) {
  *out << fault_case.fault;
}

class SimtFault : public testing::TestWithParam<FaultCase> {};

// What the first calls of a program with this fault come to: an error, or a property of the device.
int FirstCalls() {
  int count = 0;
  size_t free_bytes = 0, total = 0;
  cudaDeviceProp properties = {};
  cudaError_t error = cudaGetDeviceCount(&count);
  error = error == cudaSuccess ? cudaGetDeviceProperties(&properties, 0) : error;
  error = error == cudaSuccess ? cudaMemGetInfo(&free_bytes, &total) : error;
  if (error == cudaSuccess && cudaStreamSynchronize(nullptr) == cudaErrorIllegalAddress) {
    return 99;
  }
  return error != cudaSuccess ? error : static_cast<int>(total >> 20) % 128 + properties.major;
}

TEST_P(SimtFault, IsTakenFromTheEnvironment) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  setenv("AIT_SIMT_FAULT", GetParam().fault.c_str(), 1);
  EXPECT_EXIT(std::exit(FirstCalls()), testing::ExitedWithCode(GetParam().outcome), "");
  unsetenv("AIT_SIMT_FAULT");
}

INSTANTIATE_TEST_SUITE_P(Each, SimtFault,
                         testing::Values(FaultCase{"", 9}, FaultCase{"no-driver", cudaErrorInsufficientDriver},
                                         FaultCase{"old-driver", cudaErrorInsufficientDriver},
                                         FaultCase{"no-device", cudaErrorNoDevice}, FaultCase{"old-device", 7},
                                         FaultCase{"memory:2097152", 9 + 2}, FaultCase{"sticky", 99}));

TEST(SimtUnknownFault, IsReported) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  setenv("AIT_SIMT_FAULT", "flood", 1);
  EXPECT_DEATH(FirstCalls(), "simt: AIT_SIMT_FAULT=flood is none of");
  unsetenv("AIT_SIMT_FAULT");
}

}  // namespace
}  // namespace simt_tests
