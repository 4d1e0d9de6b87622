// fiber.cc - a fiber is started by setcontext and switched to by __builtin_longjmp, which, unlike
// swapcontext, costs no system call and is not intercepted by AddressSanitizer.
#include "fiber.h"

#include <signal.h>
#include <sys/mman.h>

#include "report.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace simt {
namespace {

constexpr size_t kStackBytes = 256 << 10;  // sanitizers' frames are large
constexpr size_t kGuardBytes = 4 << 10;

// The fiber switched from last: on arrival AddressSanitizer tells where its stack lies, which is how
// one learns about the stack of a thread that was not made here.
Fiber *left = nullptr;

SIMT_UNSEEN void Leave([[maybe_unused]] Fiber *from, [[maybe_unused]] Fiber *to) {
  left = from;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from->shadow, to->stack, to->stack_bytes);
#endif
#ifdef __SANITIZE_THREAD__
  __tsan_switch_to_fiber(to->thread, __tsan_switch_to_fiber_no_sync);
#endif
}

SIMT_UNSEEN void Arrive([[maybe_unused]] Fiber *fiber) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fiber->shadow, &left->stack, &left->stack_bytes);
#endif
}

// Not part of SwitchFiber: no function may hold both builtins.
__attribute__((noinline)) SIMT_UNSEEN void Jump(Fiber *to) {
  if (to->started) {
    __builtin_longjmp(to->registers, 1);
  }
  to->started = true;
  pthread_sigmask(SIG_SETMASK, nullptr, &to->first.uc_sigmask);  // setcontext sets it: keep what is blocked now
  setcontext(&to->first);
  Die("setcontext failed");
}

// makecontext passes ints.
SIMT_UNSEEN void Start(unsigned high, unsigned low) {
  Fiber *fiber = reinterpret_cast<Fiber *>(size_t{high} << 32 | low);
  Arrive(fiber);
  fiber->body();
  Die("the body of a fiber has returned");
}

}  // namespace

Fiber *MakeFiber(void (*body)()) {
  Fiber *fiber = new Fiber;
  fiber->body = body;
  // The stack grows down onto the guard.
  char *memory = static_cast<char *>(mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    Die("no memory for the stack of a thread");
  }
  fiber->stack = memory + kGuardBytes;
  fiber->stack_bytes = kStackBytes;
#ifdef __SANITIZE_THREAD__
  fiber->thread = __tsan_create_fiber(0);
#endif
  getcontext(&fiber->first);
  fiber->first.uc_stack.ss_sp = memory + kGuardBytes;
  fiber->first.uc_stack.ss_size = kStackBytes;
  fiber->first.uc_link = nullptr;
  const size_t self = reinterpret_cast<size_t>(fiber);
  makecontext(&fiber->first, reinterpret_cast<void (*)()>(Start), 2, static_cast<unsigned>(self >> 32),
              static_cast<unsigned>(self));
  return fiber;
}

void EnterFibers(Fiber *fiber) {
  fiber->started = true;
#ifdef __SANITIZE_THREAD__
  fiber->thread = __tsan_get_current_fiber();
#endif
}

SIMT_UNSEEN void SwitchFiber(Fiber *from, Fiber *to) {
  Leave(from, to);
  if (__builtin_setjmp(from->registers) == 0) {
    Jump(to);
  }
  Arrive(from);
}

}  // namespace simt
