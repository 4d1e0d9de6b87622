// simt.h - test code: CUDA kernels on a CPU, and the controls of that emulation.
//
// The very same kernels/*.cu and host/device/cuda/*.c are compiled by the host compiler against the
// headers in include/, which stand in for NVIDIA's. Threads of a block are fibers that run one after
// the other and switch at barriers alone; streams run when somebody waits for them; device memory is
// a heap that the host may touch only by copies.
//
// What it finds:
//   - an index past the end of global or shared memory: at once under AddressSanitizer, else if it was
//     a write that hit the few bytes behind, at the end of the block or at the next synchronisation;
//   - two threads of a block, or of neighbouring blocks, that touch the same memory with no barrier
//     between: under ThreadSanitizer alone, whose idea of a thread is then the fiber;
//   - a barrier that some threads of a block (a warp, a cooperative launch) do not reach, or threads at
//     different barriers; lanes that do not come to a collective of their warp together; a cooperative
//     launch of more blocks than the 4 multiprocessors hold at once;
//   - an asynchronous copy into shared memory whose thread reads before it waits, or never waits;
//   - a read before any write: fresh memory is 0xFF, which is NaN (and -1), so results are NaN;
//   - a missing synchronisation, as the work has not run yet; a host access to device memory (SIGSEGV);
//   - calls that are illegal during a capture, arguments that a graph keeps as they were recorded,
//     impossible launches, too much memory, and how a caller takes errors of the device.
//
// What it cannot find:
//   - reads before writes whose value does not reach a result, or that 0xFF happens to suit: this is
//     no full check of initialisation;
//   - what depends on the order of threads: each runs alone between barriers and collectives, always in
//     the same order, so that an order-dependent result may look right (without ThreadSanitizer);
//   - whether a collective does what the instruction of a real GPU does (tests/cuda compares both with
//     loops over integers, on a GPU where there is one);
//   - weak ordering of memory, exhausted registers, a kernel that reads host memory, speed;
//   - what happens inside the libraries: gemm is OpenBLAS's, unseen by the sanitizers (its matrices
//     must lie in one allocation each, which is checked), and the random words are not NVIDIA's.
// Some uses that CUDA allows are refused here, as the project does without them: events and graph
// launches during a capture.
//
// Every error of the emulation itself is one line on stderr that begins "simt: ", then abort().
//
// Programs may be given a fault by AIT_SIMT_FAULT, read once: no-driver, old-driver, no-device,
// old-device (compute capability 7.0), memory:BYTES, sticky (the first wait fails, then every call).
#ifndef SIMT_SIMT_H
#define SIMT_SIMT_H

#include <cstddef>
#include <cstdint>

#include "cuda_runtime_api.h"

namespace simt {

struct Counters {
  int64_t launches;        // kernels launched one by one
  int64_t graph_launches;  // launches of a graph, however many kernels it has
  int64_t blocking_waits;  // waits of the host that had work to wait for
  int64_t copies_in;       // copies from host to device, those of graphs included
  int64_t copies_out;      // copies from device to host, those of graphs included
};

Counters GetCounters();
void ResetCounters();

// 0: no driver; below 13000: too old, and every call but the version's fails.
void SetDriverVersion(int version);
void SetDeviceCount(int count);
void SetComputeCapability(int major, int minor);

// Shared memory in bytes that a block may ask for, at most kMostSharedMemory, which is the default.
constexpr size_t kMostSharedMemory = size_t{227} << 10;
void SetSharedMemory(size_t bytes);

// Whether the device can launch kernels cooperatively.
void SetCooperativeLaunch(bool possible);

// Device memory in bytes, at most kMostMemory, which is the default.
constexpr size_t kMostMemory = size_t{1} << 30;
void SetMemory(size_t bytes);

// The next synchronisation runs the work, then fails with `error`. cudaErrorIllegalAddress and
// cudaErrorLaunchFailure are sticky: every later call fails with it until Reset.
void FailNext(cudaError_t error);

// As at the start of the program, without AIT_SIMT_FAULT: queued work and device memory are gone.
// For use between tests, when no context is open.
void Reset();

}  // namespace simt

#endif
