// failing_memory.h - allocations of our code that fail on demand.
//
// The linker hands every call of our objects to malloc and its like, to functions that allocate behind the scenes
// (fopen, asprintf ...) and to CUDA's allocations to this file, which counts it, asks whether it is to fail, and
// remembers what has not been freed. Libraries that we link allocate as ever, but for cJSON, which calls back.
#ifndef AIT_TESTS_FAILING_MEMORY_H
#define AIT_TESTS_FAILING_MEMORY_H

#include <cstdint>
#include <functional>
#include <string>

namespace failing_memory {

// The calls that led to an allocation, innermost first; unused entries are NULL.
constexpr int kFrames = 8;
struct Trace {
  void *frame[kFrames];
};

// "program+0x1234 ..." for addr2line.
std::string Describe(const Trace &trace);

// A number that is the same where the innermost calls are.
uint64_t PathOf(const Trace &trace);

// Whether allocation `number` (the first is 1) fails. Its own allocations are not watched.
using Decide = std::function<bool(int64_t number, const Trace &trace)>;

// What a watched piece of work did. Plain memory, so that processes can share it.
struct Result {
  int64_t allocations;  // asked for
  int64_t left;         // not freed
  Trace left_at;        // one of them
};

// Watches until End.
void Begin(const Decide &decide);
Result End();

}  // namespace failing_memory

#endif
