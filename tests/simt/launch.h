// launch.h - runs the threads of one launch.
#ifndef SIMT_LAUNCH_H
#define SIMT_LAUNCH_H

#include <functional>

#include "cuda_runtime.h"

namespace simt {

constexpr unsigned kMostThreads = 1024;                // of a block
constexpr size_t kMostSharedBytes = size_t{48} << 10;  // of a block

// One kernel and how it is launched.
struct Grid {
  const char *name;
  dim3 blocks, threads;
  size_t shared_bytes;
  std::function<void()> kernel;
};

// Whether a GPU would accept it.
bool IsPossible(const Grid &grid);

// Runs every thread, block after block. One launch runs at a time.
void Run(const Grid &grid);

}  // namespace simt

#endif
