// launch.cc - the threads of a block run one after the other, each until it ends or comes to a barrier.
// Then the next one runs, and after the last one the first that waits. As either all threads of a block
// wait at one barrier or the kernel is wrong, a turn over the threads is all the scheduling there is.
#include "launch.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fiber.h"
#include "report.h"

namespace simt {

uint3 thread_index, block_index;
dim3 block_size, grid_size;
void *shared_memory;

namespace {

#ifdef __SANITIZE_THREAD__
constexpr bool kShareFibers = false;  // a fiber is what ThreadSanitizer takes for a thread
constexpr unsigned kSets = 2;         // neighbouring blocks are different threads
#else
constexpr bool kShareFibers = true;  // threads that never wait need no switch
constexpr unsigned kSets = 1;
#endif

struct Place {
  const char *file;
  int line;
};

// The block that runs.
struct Block {
  const Grid *grid;
  unsigned threads;
  unsigned set;      // of fibers
  bool first, last;  // of those that use this set
  unsigned turn;     // the thread that runs
  unsigned round;    // barriers passed
  unsigned arrived;  // threads waiting at a barrier in this round
  unsigned ended;    // threads ended
  Place places[kMostThreads];
};

Block block;
Fiber *fibers[kSets][kMostThreads];  // made when first needed, kept
Fiber caller;                        // of Run
Fiber *running;

// What ThreadSanitizer is told: launches are ordered, and so are the threads of a block at a barrier.
// Two marks take turns, as the first thread may come to the next barrier before the last one has left.
char launch_begun, launch_ended, barriers[kSets][2];

// Gives the turn to the first thread, and to the next one: indices are counted x first.
SIMT_UNSEEN void StartTurns() {
  block.turn = 0;
  thread_index = {0, 0, 0};
}

SIMT_UNSEEN void NextTurn() {
  const dim3 &size = block.grid->threads;
  ++block.turn;
  if (++thread_index.x < size.x) {
    return;
  }
  thread_index.x = 0;
  if (++thread_index.y == size.y) {
    thread_index.y = 0;
    ++thread_index.z;
  }
}

[[noreturn]] void ReportBarrier() {
  unsigned first = 0;
  while (block.places[first].file == nullptr) {
    ++first;
  }
  const Place &place = block.places[first];
  unsigned here = 0;
  const Place *other = nullptr;
  for (unsigned i = 0; i < block.threads; ++i) {
    const Place &p = block.places[i];
    if (p.file != nullptr && p.line == place.line && std::strcmp(p.file, place.file) == 0) {
      ++here;
    } else if (p.file != nullptr) {
      other = &p;
    }
  }
  char rest[512] = "the others have ended";
  if (other != nullptr) {
    std::snprintf(rest, sizeof rest, "others wait at %s:%d", other->file, other->line);
  }
  Die("%s:%d: %s, block (%u, %u, %u): %u of %u threads have come to this barrier; %s", place.file, place.line,
      block.grid->name, block_index.x, block_index.y, block_index.z, here, block.threads, rest);
}

// At the end of a round every thread has ended, or all wait at one barrier.
SIMT_UNSEEN void CheckRound() {
  bool same = block.arrived == block.threads;
  for (unsigned i = 1; same && i < block.threads; ++i) {
    same = block.places[i].line == block.places[0].line && block.places[i].file == block.places[0].file;
  }
  if (!same && block.ended != block.threads) {
    ReportBarrier();
  }
}

// The thread that runs waits or has ended: lets the next one run, or the caller after the last round.
SIMT_UNSEEN void PassTurn() {
  Fiber *next = &caller;
  if (block.turn + 1 < block.threads) {
    NextTurn();
  } else {
    CheckRound();
    ++block.round;
    block.arrived = 0;
    StartTurns();
  }
  if (block.ended < block.threads) {
    next = fibers[block.set][block.turn];
  }
  Fiber *from = running;
  running = next;
  SwitchFiber(from, next);
}

SIMT_UNSEEN void RunThread() {
  block.places[block.turn].file = nullptr;
  if (block.first) {
    Acquire(&launch_begun);
  }
  block.grid->kernel();
  if (block.last) {
    Release(&launch_ended);
  }
  block.places[block.turn].file = nullptr;
  ++block.ended;
}

// The body of every fiber: one thread of a block, or several where they need not wait.
SIMT_UNSEEN void RunThreads() {
  for (;;) {
    RunThread();
    while (kShareFibers && block.round == 0 && block.turn + 1 < block.threads) {
      NextTurn();
      RunThread();
    }
    PassTurn();
  }
}

constexpr size_t kCanaryBytes = 64;
constexpr unsigned char kCanary = 0xA5;

// Shared memory of one block. Under ThreadSanitizer every block has a fresh one, without the history
// of the blocks before, and what is done to it here is not seen.
SIMT_UNSEEN unsigned char *NewSharedMemory(size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  const size_t canary = 0;
#else
  const size_t canary = kCanaryBytes;
#endif
  auto *memory = static_cast<unsigned char *>(std::malloc(bytes + canary));
  if (memory == nullptr) {
    Die("no memory for %zu bytes of shared memory", bytes);
  }
  std::memset(memory, 0xFF, bytes);
  std::memset(memory + bytes, kCanary, canary);
  return memory;
}

void FreeSharedMemory(unsigned char *memory, [[maybe_unused]] size_t bytes) {
#ifndef __SANITIZE_ADDRESS__
  for (size_t i = bytes; i < bytes + kCanaryBytes; ++i) {
    if (memory[i] != kCanary) {
      Die("%s, block (%u, %u, %u): a write %zu bytes past the end of %zu bytes of shared memory", block.grid->name,
          block_index.x, block_index.y, block_index.z, i - bytes, bytes);
    }
  }
#endif
  std::free(memory);
}

#ifdef __SANITIZE_THREAD__
extern "C" void AnnotateIgnoreWritesBegin(const char *file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char *file, int line);
#endif

// While it lives ThreadSanitizer does not see what this thread touches or allocates.
class Unseen {
 public:
  Unseen() {
#ifdef __SANITIZE_THREAD__
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
  }
  ~Unseen() {
#ifdef __SANITIZE_THREAD__
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
#endif
  }
};

SIMT_UNSEEN void PrepareFibers(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    if (fibers[block.set][i] == nullptr) {
      fibers[block.set][i] = MakeFiber(RunThreads);
    }
  }
}

SIMT_UNSEEN void RunBlock() {
  block.round = block.arrived = block.ended = 0;
  StartTurns();
  running = fibers[block.set][0];
  SwitchFiber(&caller, running);
}

SIMT_UNSEEN void RunBlockWithMemory(size_t shared_bytes) {
  if (shared_bytes == 0) {
    shared_memory = nullptr;
    RunBlock();
    return;
  }
  unsigned char *memory = nullptr;
  {
    const Unseen unseen;
    memory = NewSharedMemory(shared_bytes);
  }
  shared_memory = memory;
  RunBlock();
  const Unseen unseen;
  FreeSharedMemory(memory, shared_bytes);
}

}  // namespace

SIMT_UNSEEN void Barrier(const char *file, int line) {
  block.places[block.turn] = {file, line};
  ++block.arrived;
  char *mark = &barriers[block.set][block.round % 2];
  Release(mark);
  PassTurn();
  Acquire(mark);
}

bool IsPossible(const Grid &grid) {
  const dim3 &b = grid.blocks, &t = grid.threads;
  const bool blocks = b.x > 0 && b.x <= 0x7FFFFFFF && b.y > 0 && b.y <= 0xFFFF && b.z > 0 && b.z <= 0xFFFF;
  const bool sides = t.x > 0 && t.x <= kMostThreads && t.y > 0 && t.y <= kMostThreads && t.z > 0 && t.z <= 64;
  return blocks && sides && t.x * t.y * t.z <= kMostThreads && grid.shared_bytes <= kMostSharedBytes;
}

SIMT_UNSEEN void Run(const Grid &grid) {
  block.grid = &grid;
  block.threads = grid.threads.x * grid.threads.y * grid.threads.z;
  grid_size = grid.blocks;
  block_size = grid.threads;
  EnterFibers(&caller);
  Release(&launch_begun);
  const uint64_t blocks = uint64_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z;
  uint64_t i = 0;
  uint3 &at = block_index;
  for (at.z = 0; at.z < grid.blocks.z; ++at.z) {
    for (at.y = 0; at.y < grid.blocks.y; ++at.y) {
      for (at.x = 0; at.x < grid.blocks.x; ++at.x, ++i) {
        block.set = i % kSets;
        block.first = i < kSets;
        block.last = i + kSets >= blocks;
        PrepareFibers(block.threads);
        RunBlockWithMemory(grid.shared_bytes);
      }
    }
  }
  Acquire(&launch_ended);
}

}  // namespace simt
