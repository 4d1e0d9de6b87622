// launch.h - runs the threads of one launch.
#ifndef SIMT_LAUNCH_H
#define SIMT_LAUNCH_H

#include <functional>

#include "cuda_runtime.h"

namespace simt {

constexpr unsigned kMostThreads = 1024;                // of a block
constexpr size_t kMostSharedBytes = size_t{48} << 10;  // of a block that has not asked for more

// A multiprocessor, which holds as many blocks at once as there is room for.
constexpr unsigned kMultiprocessors = 4;
constexpr unsigned kThreadsPerMultiprocessor = 2048;
constexpr size_t kSharedBytesPerMultiprocessor = size_t{228} << 10;
constexpr size_t kSharedBytesOfTheSystem = size_t{1} << 10;  // that every block takes beside its own
constexpr unsigned kMostLiveBlocks = 8;                      // of one launch at once: memory for fibers

// One kernel and how it is launched.
struct Grid {
  const char *name;
  dim3 blocks, threads;
  size_t shared_bytes;
  size_t most_shared_bytes;  // what this kernel may have
  bool cooperative;          // its blocks all live at once, and may wait for each other
  std::function<void()> kernel;
};

// Whether a GPU would accept it, and whether a cooperative one fits on the device.
bool IsPossible(const Grid &grid);
bool Fits(const Grid &grid);

// Runs every thread, block after block, or all of them in turn where they may wait for each other. One
// launch runs at a time.
void Run(const Grid &grid);

}  // namespace simt

#endif
