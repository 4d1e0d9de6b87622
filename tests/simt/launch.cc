// launch.cc - the threads of a block run one after the other, each until it ends or waits: for its warp,
// for its block, or, in a cooperative launch, for the whole grid. Then the next one that is ready runs: of
// the same warp, else of the next warp, else of the next block. Where none is ready and some still wait,
// the kernel is wrong.
#include "launch.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

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

constexpr unsigned kLanes = 32;
constexpr unsigned kMostWarps = kMostThreads / kLanes;
constexpr unsigned kMostOperands = 8;  // words that a lane brings to a collective

enum class Group { kNone, kWarp, kBlock, kGrid };

struct Place {
  const char *file;
  int line;
};

struct Copy {
  void *to;
  const void *from;
};

struct Thread {
  Fiber *fiber;  // NULL: not started
  Group waits_for;
  Place place;   // where it waits
  Copy *copies;  // that it has asked for and not waited for
  unsigned copies_waiting, copies_room;
};

struct Warp {
  uint32_t ready;  // bit l: lane l
  unsigned arrived, rounds;
  uint32_t operands[2][kLanes][kMostOperands];  // of the collectives of even and odd rounds
  char marks[2];
};

// A block whose threads live.
struct Block {
  uint3 index;
  unsigned char *shared;
  unsigned set;      // of fibers
  bool first, last;  // of those that use this set in this launch
  unsigned ready, arrived, rounds;
  Warp warps[kMostWarps];
  Thread threads[kMostThreads];
};

// The launch that runs, the indices of the threads of its blocks, and the blocks that live.
const Grid *grid;
uint3 thread_indices[kMostThreads];
unsigned threads_of_block, live;
unsigned grid_ready, grid_arrived, grid_rounds;
Block blocks[kMostLiveBlocks];
Block *block;   // the thread that runs
unsigned turn;  // and its number in that block

Fiber *fibers[kMostLiveBlocks][kMostThreads];  // made when first needed, kept
Fiber caller;                                  // of Run
Fiber *running;

// What ThreadSanitizer is told: launches are ordered, and so are the threads of a group at a barrier.
// Two marks take turns, as the first thread may come to the next barrier before the last one has left.
char launch_begun, launch_ended, block_marks[kMostLiveBlocks][2], grid_marks[2];

SIMT_UNSEEN Thread &Self() {
  return block->threads[turn];
}

SIMT_UNSEEN Warp &OwnWarp() {
  return block->warps[turn / kLanes];
}

SIMT_UNSEEN unsigned Warps() {
  return (threads_of_block + kLanes - 1) / kLanes;
}

// Lanes of warp w that there are.
SIMT_UNSEEN unsigned LanesOf(unsigned w) {
  const unsigned rest = threads_of_block - w * kLanes;
  return rest < kLanes ? rest : kLanes;
}

// Makes thread t of block b the one that runs.
SIMT_UNSEEN void GiveTurn(Block *b, unsigned t) {
  block = b;
  turn = t;
  thread_index = thread_indices[t];
  block_index = b->index;
  shared_memory = b->shared;
}

/* ---- who runs next ------------------------------------------------------------------------- */

// Lanes 0 .. lanes - 1.
SIMT_UNSEEN uint32_t FirstLanes(unsigned lanes) {
  return lanes < kLanes ? (uint32_t{1} << lanes) - 1 : ~uint32_t{0};
}

// A thread of `b` that was ready waits or has ended.
SIMT_UNSEEN void CountNotReady(Block *b, unsigned t) {
  b->warps[t / kLanes].ready &= ~(uint32_t{1} << t % kLanes);
  --b->ready;
  --grid_ready;
}

// All threads of a warp that has none ready, are.
SIMT_UNSEEN void CountWarpReady(Block *b, unsigned w) {
  b->warps[w].ready = FirstLanes(LanesOf(w));
  b->ready += LanesOf(w);
  grid_ready += LanesOf(w);
}

// The first ready thread of a warp behind lane `after`, or from its beginning; there is one.
SIMT_UNSEEN unsigned NextLane(const Block *b, unsigned w, unsigned after) {
  const uint32_t ready = b->warps[w].ready, behind = ready & ~FirstLanes(after + 1);
  return w * kLanes + static_cast<unsigned>(__builtin_ctz(behind != 0 ? behind : ready));
}

// The first warp of a block with a ready thread, from warp w on and round; there is one.
SIMT_UNSEEN unsigned NextWarp(const Block *b, unsigned w) {
  for (w %= Warps(); b->warps[w].ready == 0; w = (w + 1) % Warps()) {
  }
  return w;
}

// Gives the turn to the next thread that is ready. False: there is none.
SIMT_UNSEEN bool PassTurn() {
  if (grid_ready == 0) {
    return false;
  }
  if (OwnWarp().ready > 0) {
    GiveTurn(block, NextLane(block, turn / kLanes, turn % kLanes));
    return true;
  }
  unsigned w = turn / kLanes + 1;
  Block *b = block;
  while (b->ready == 0) {
    b = b + 1 < blocks + live ? b + 1 : blocks;
    w = 0;
  }
  w = NextWarp(b, w);
  GiveTurn(b, NextLane(b, w, LanesOf(w) - 1));
  return true;
}

/* ---- waiting ------------------------------------------------------------------------------- */

SIMT_UNSEEN bool SamePlace(const Place &a, const Place &b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

SIMT_UNSEEN bool InGroup(Group group, const Block *b, unsigned t, const Block *other, unsigned u) {
  return group == Group::kGrid || (b == other && (group == Group::kBlock || t / kLanes == u / kLanes));
}

SIMT_UNSEEN const char *NameOf(Group group) {
  return group == Group::kWarp ? "threads of the warp" : group == Group::kBlock ? "threads" : "threads of the grid";
}

// Some of the group of b's thread t wait, and the others never will, or wait elsewhere.
[[noreturn]] SIMT_UNSEEN void ReportWaiting(const Block *b, unsigned t) {
  const Thread &first = b->threads[t];
  unsigned here = 0, all = 0;
  const Place *elsewhere = nullptr;
  for (const Block *other = blocks; other < blocks + live; ++other) {
    for (unsigned u = 0; u < threads_of_block; ++u) {
      const Thread &thread = other->threads[u];
      if (!InGroup(first.waits_for, b, t, other, u)) {
        continue;
      }
      ++all;
      const bool waits = thread.waits_for != Group::kNone;
      if (waits && thread.waits_for == first.waits_for && SamePlace(thread.place, first.place)) {
        ++here;
      } else if (waits) {
        elsewhere = &thread.place;
      }
    }
  }
  char rest[512] = "the others have ended";
  if (elsewhere != nullptr) {
    std::snprintf(rest, sizeof rest, "others wait at %s:%d", elsewhere->file, elsewhere->line);
  }
  Die("%s:%d: %s, block (%u, %u, %u): %u of %u %s have come to this barrier; %s", first.place.file, first.place.line,
      grid->name, b->index.x, b->index.y, b->index.z, here, all, NameOf(first.waits_for), rest);
}

// No thread is ready: unless all have ended, the first that waits tells why.
SIMT_UNSEEN void CheckAllEnded() {
  for (Block *b = blocks; b < blocks + live; ++b) {
    for (unsigned t = 0; t < threads_of_block; ++t) {
      if (b->threads[t].waits_for != Group::kNone) {
        ReportWaiting(b, t);
      }
    }
  }
}

// The threads of b's warps first .. first + count - 1, all of which wait where `place` says, wait no more.
SIMT_UNSEEN void ReleaseWarps(Block *b, unsigned first, unsigned count, const Place &place) {
  const unsigned begin = first * kLanes, end = (first + count - 1) * kLanes + LanesOf(first + count - 1);
  for (unsigned t = begin; t < end; ++t) {
    if (!SamePlace(b->threads[t].place, place)) {
      ReportWaiting(b, begin);
    }
  }
  for (unsigned t = begin; t < end; ++t) {
    b->threads[t].waits_for = Group::kNone;
  }
  for (unsigned w = first; w < first + count; ++w) {
    CountWarpReady(b, w);
  }
}

// Releases the group that this thread has completed, and gives the turn to the first of it.
SIMT_UNSEEN void ReleaseGroup(Group group) {
  const unsigned w = turn / kLanes;
  const Place place = Self().place;
  if (group == Group::kWarp) {
    ReleaseWarps(block, w, 1, place);
    ++block->warps[w].rounds;
    block->warps[w].arrived = 0;
    GiveTurn(block, w * kLanes);
  } else if (group == Group::kBlock) {
    ReleaseWarps(block, 0, Warps(), place);
    ++block->rounds;
    block->arrived = 0;
    GiveTurn(block, 0);
  } else {
    for (Block *b = blocks; b < blocks + live; ++b) {
      ReleaseWarps(b, 0, Warps(), place);
    }
    ++grid_rounds;
    grid_arrived = 0;
    GiveTurn(blocks, 0);
  }
}

// Counts this thread as arrived; true when it is the last of its group.
SIMT_UNSEEN bool Arrive(Group group) {
  switch (group) {
    case Group::kWarp:
      return ++OwnWarp().arrived == LanesOf(turn / kLanes);
    case Group::kBlock:
      return ++block->arrived == threads_of_block;
    default:
      return ++grid_arrived == threads_of_block * live;
  }
}

// Leaves the fiber that runs for the one of the thread whose turn it is, or, without one, for the caller.
SIMT_UNSEEN void SwitchTo(bool any) {
  Fiber *from = running;
  running = &caller;
  if (any) {
    Fiber *own = Self().fiber;
    running = own != nullptr ? own : fibers[block->set][turn];
  }
  if (running != from) {
    SwitchFiber(from, running);
  }
}

SIMT_UNSEEN void Wait(Group group, const char *file, int line) {
  Self().waits_for = group;
  Self().place = {file, line};
  CountNotReady(block, turn);
  if (Arrive(group)) {
    ReleaseGroup(group);
  } else if (!PassTurn()) {
    CheckAllEnded();
  }
  SwitchTo(true);
}

/* ---- threads ------------------------------------------------------------------------------- */

SIMT_UNSEEN void RunThread() {
  Self().fiber = running;
  if (block->first) {
    Acquire(&launch_begun);
  }
  grid->kernel();
  if (Self().copies_waiting > 0) {
    Die("%s, block (%u, %u, %u): a thread has ended without waiting for its asynchronous copies", grid->name,
        block_index.x, block_index.y, block_index.z);
  }
  if (block->last) {
    Release(&launch_ended);
  }
  CountNotReady(block, turn);
}

// The body of every fiber: one thread of a block, or several where they need not wait.
SIMT_UNSEEN void RunThreads() {
  for (;;) {
    RunThread();
    const bool any = PassTurn();
    if (!any) {
      CheckAllEnded();
    }
    if (kShareFibers && any && Self().fiber == nullptr) {
      continue;
    }
    SwitchTo(any);
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
  auto *memory = static_cast<unsigned char *>(::operator new(bytes + canary, std::nothrow));
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
      Die("%s, block (%u, %u, %u): a write %zu bytes past the end of %zu bytes of shared memory", grid->name,
          block_index.x, block_index.y, block_index.z, i - bytes, bytes);
    }
  }
#endif
  ::operator delete(memory);
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

SIMT_UNSEEN void PrepareThread(Block *b, unsigned t) {
  Thread &thread = b->threads[t];
  thread.fiber = nullptr;
  thread.waits_for = Group::kNone;
  thread.copies_waiting = 0;
  if (fibers[b->set][t] == nullptr) {
    fibers[b->set][t] = MakeFiber(RunThreads);
  }
}

// Block i of those that live: number `number` of the launch's `count`, on fibers of a set of `sets`.
SIMT_UNSEEN void PrepareBlock(unsigned i, uint64_t number, uint64_t count, unsigned sets) {
  Block *b = &blocks[i];
  const dim3 &size = grid->blocks;
  b->index = {static_cast<unsigned>(number % size.x), static_cast<unsigned>(number / size.x % size.y),
              static_cast<unsigned>(number / (uint64_t{size.x} * size.y))};
  b->set = static_cast<unsigned>(number % sets);
  b->first = number < sets;
  b->last = number + sets >= count;
  b->ready = threads_of_block;
  b->arrived = b->rounds = 0;
  for (unsigned w = 0; w < Warps(); ++w) {
    b->warps[w].ready = FirstLanes(LanesOf(w));
    b->warps[w].arrived = b->warps[w].rounds = 0;
  }
  for (unsigned t = 0; t < threads_of_block; ++t) {
    PrepareThread(b, t);
  }
}

SIMT_UNSEEN void AllocateShared(Block *b) {
  const Unseen unseen;
  b->shared = grid->shared_bytes > 0 ? NewSharedMemory(grid->shared_bytes) : nullptr;
}

SIMT_UNSEEN void FreeShared(Block *b) {
  const Unseen unseen;
  if (b->shared != nullptr) {
    block_index = b->index;
    FreeSharedMemory(b->shared, grid->shared_bytes);
  }
}

// Runs the first `count` blocks, which are prepared, to their end.
SIMT_UNSEEN void RunBlocks(unsigned count) {
  live = count;
  grid_arrived = grid_rounds = 0;
  grid_ready = count * threads_of_block;
  for (unsigned i = 0; i < count; ++i) {
    AllocateShared(&blocks[i]);
  }
  GiveTurn(blocks, 0);
  running = fibers[blocks[0].set][0];
  SwitchFiber(&caller, running);
  for (unsigned i = 0; i < count; ++i) {
    FreeShared(&blocks[i]);
  }
}

// Waits for the group. Its marks order what came before with what comes after, for ThreadSanitizer.
SIMT_UNSEEN void WaitInOrder(Group group, char *mark, const char *file, int line) {
  Release(mark);
  Wait(group, file, line);
  Acquire(mark);
}

}  // namespace

SIMT_UNSEEN void Barrier(const char *file, int line) {
  WaitInOrder(Group::kBlock, &block_marks[block->set][block->rounds % 2], file, line);
}

SIMT_UNSEEN void WarpBarrier(const char *file, int line) {
  WaitInOrder(Group::kWarp, &OwnWarp().marks[OwnWarp().rounds % 2], file, line);
}

SIMT_UNSEEN void GridBarrier(const char *file, int line) {
  if (!grid->cooperative) {
    Die("%s:%d: %s comes to a barrier of the grid and was not launched cooperatively", file, line, grid->name);
  }
  WaitInOrder(Group::kGrid, &grid_marks[grid_rounds % 2], file, line);
}

/* ---- collectives of a warp ------------------------------------------------------------------ */

SIMT_UNSEEN void Bring(const uint32_t *operands, unsigned count, const char *file, int line) {
  Warp &warp = OwnWarp();
  volatile uint32_t *own = warp.operands[warp.rounds % 2][turn % kLanes];
  for (unsigned i = 0; i < count; ++i) {
    own[i] = operands[i];
  }
  Wait(Group::kWarp, file, line);
}

SIMT_UNSEEN uint32_t Brought(unsigned lane, unsigned operand) {
  const Warp &warp = OwnWarp();
  return warp.operands[(warp.rounds + 1) % 2][lane % kLanes][operand];
}

void CheckMask(unsigned mask, const char *file, int line) {
  if (mask != 0xFFFFFFFF) {
    Die("%s:%d: %s: a collective of the lanes %#x; only those of a whole warp are emulated", file, line, grid->name,
        mask);
  }
}

void CheckAligned(const void *address, const char *file, int line) {
  if (reinterpret_cast<uintptr_t>(address) % 16 != 0) {
    Die("%s:%d: %s: the address %p is no multiple of 16", file, line, grid->name, address);
  }
}

/* ---- asynchronous copies --------------------------------------------------------------------- */

SIMT_UNSEEN void QueueCopy(void *to, const void *from) {
  Thread &thread = Self();
  if (thread.copies_waiting == thread.copies_room) {
    thread.copies_room = 2 * thread.copies_room + 16;
    Copy *room = new Copy[thread.copies_room];
    for (unsigned i = 0; i < thread.copies_waiting; ++i) {
      room[i] = thread.copies[i];
    }
    delete[] thread.copies;
    thread.copies = room;
  }
  thread.copies[thread.copies_waiting++] = {to, from};
}

SIMT_UNSEEN bool NextCopy(void **to, const void **from) {
  Thread &thread = Self();
  if (thread.copies_waiting == 0) {
    return false;
  }
  const Copy &copy = thread.copies[--thread.copies_waiting];
  *to = copy.to;
  *from = copy.from;
  return true;
}

/* ---- launches ------------------------------------------------------------------------------- */

bool IsPossible(const Grid &launch) {
  const dim3 &b = launch.blocks, &t = launch.threads;
  const bool some = b.x > 0 && b.x <= 0x7FFFFFFF && b.y > 0 && b.y <= 0xFFFF && b.z > 0 && b.z <= 0xFFFF;
  const bool sides = t.x > 0 && t.x <= kMostThreads && t.y > 0 && t.y <= kMostThreads && t.z > 0 && t.z <= 64;
  return some && sides && t.x * t.y * t.z <= kMostThreads && launch.shared_bytes <= launch.most_shared_bytes;
}

bool Fits(const Grid &launch) {
  const uint64_t count = uint64_t{launch.blocks.x} * launch.blocks.y * launch.blocks.z;
  const uint64_t by_threads = kThreadsPerMultiprocessor / (launch.threads.x * launch.threads.y * launch.threads.z);
  const uint64_t by_memory = kSharedBytesPerMultiprocessor / (launch.shared_bytes + kSharedBytesOfTheSystem);
  const uint64_t most = kMultiprocessors * (by_threads < by_memory ? by_threads : by_memory);
  return count <= most && count <= kMostLiveBlocks;
}

SIMT_UNSEEN void Run(const Grid &launch) {
  grid = &launch;
  threads_of_block = launch.threads.x * launch.threads.y * launch.threads.z;
  grid_size = launch.blocks;
  block_size = launch.threads;
  for (unsigned t = 0; t < threads_of_block; ++t) {
    thread_indices[t] = {t % block_size.x, t / block_size.x % block_size.y, t / (block_size.x * block_size.y)};
  }
  EnterFibers(&caller);
  Release(&launch_begun);
  const uint64_t count = uint64_t{launch.blocks.x} * launch.blocks.y * launch.blocks.z;
  const unsigned at_once = launch.cooperative ? static_cast<unsigned>(count) : 1;
  const unsigned sets = launch.cooperative ? at_once : kSets;
  for (uint64_t number = 0; number < count; number += at_once) {
    for (unsigned i = 0; i < at_once; ++i) {
      PrepareBlock(i, number + i, count, sets);
    }
    RunBlocks(at_once);
  }
  Acquire(&launch_ended);
}

}  // namespace simt
