// fiber.h - threads of control that switch by themselves, and tell the sanitizers when they do.
#ifndef SIMT_FIBER_H
#define SIMT_FIBER_H

#include <ucontext.h>

#include <cstddef>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

// Of functions that several fibers run, or that touch what several fibers touch: the emulation's own
// order is not the kernel's, so ThreadSanitizer must not see it.
#define SIMT_UNSEEN __attribute__((no_sanitize("address"), no_sanitize("thread")))

namespace simt {

struct Fiber {
  void (*body)() = nullptr;
  void *registers[5] = {};  // of __builtin_setjmp
  ucontext_t first = {};    // how it starts
  bool started = false;
  const void *stack = nullptr;
  size_t stack_bytes = 0;
  void *shadow = nullptr;  // AddressSanitizer's fake stack
  void *thread = nullptr;  // ThreadSanitizer's idea of it
};

// A fiber that runs `body`, which never returns, when it is switched to for the first time.
Fiber *MakeFiber(void (*body)());

// Prepares `fiber` to stand for the calling thread, so that one can switch away from it and back.
void EnterFibers(Fiber *fiber);

// Leaves `from`, which is running, for `to`; returns when something switches to `from`.
void SwitchFiber(Fiber *from, Fiber *to);

// Everything that a fiber did before Release(mark) happens before what another does after a later
// Acquire(mark). For ThreadSanitizer; nothing otherwise.
inline void Release([[maybe_unused]] void *mark) {
#ifdef __SANITIZE_THREAD__
  __tsan_release(mark);
#endif
}
inline void Acquire([[maybe_unused]] void *mark) {
#ifdef __SANITIZE_THREAD__
  __tsan_acquire(mark);
#endif
}

}  // namespace simt

#endif
