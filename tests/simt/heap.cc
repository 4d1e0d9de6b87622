// heap.cc - first fit in an arena of address space, of which only what is used costs memory.
#include "heap.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>

#include "report.h"
#include "simt.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, bytes)   static_cast<void>(memory), static_cast<void>(bytes)
#define ASAN_UNPOISON_MEMORY_REGION(memory, bytes) static_cast<void>(memory), static_cast<void>(bytes)
#endif

namespace simt {
namespace {

constexpr size_t kAlignment = 256;
constexpr size_t kRedZone = 64;  // at least

// Twice the most memory, as red zones do not count.
constexpr size_t kArenaBytes = 2 * kMostMemory;

// Memory behind the last allocation that AddressSanitizer guards: all of the arena would take long.
constexpr size_t kApron = size_t{1} << 20;

// What an allocation counts for.
size_t Counted(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// What it takes in the arena: its red zone fills it up.
size_t Extent(size_t bytes) {
  return Counted(bytes + kRedZone);
}

// Red zones are NaN to a read of float or double, and yet not 0xFF.
unsigned char Canary(size_t offset) {
  constexpr unsigned char word[4] = {0xA5, 0xA5, 0xF5, 0xFF};
  return word[offset % 4];
}

void Protect(unsigned char *arena, int protection) {
  if (mprotect(arena, kArenaBytes, protection) != 0) {
    Die("mprotect of the device memory failed");
  }
}

std::map<uintptr_t, size_t> &Pinned() {
  static auto *pinned = new std::map<uintptr_t, size_t>;
  return *pinned;
}

}  // namespace

Heap &DeviceHeap() {
  static Heap *heap = new Heap(kMostMemory);
  return *heap;
}

Heap::Heap(size_t capacity) : capacity_(capacity) {
  arena_ = static_cast<unsigned char *>(
      mmap(nullptr, kArenaBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (arena_ == MAP_FAILED) {
    Die("no address space for the device memory");
  }
  madvise(arena_, kArenaBytes, MADV_HUGEPAGE);  // opening takes time for every page in use
}

Heap::Opening::Opening(Heap &heap) : heap_(heap) {
  if (heap_.openings_++ == 0) {
    Protect(heap_.arena_, PROT_READ | PROT_WRITE);
  }
}

Heap::Opening::~Opening() {
  if (--heap_.openings_ == 0) {
    Protect(heap_.arena_, PROT_NONE);
  }
}

size_t Heap::FindRoom(size_t bytes) const {
  size_t offset = 0;
  for (const auto &[start, size] : bytes_at_) {
    if (start - offset >= Extent(bytes)) {
      break;
    }
    offset = start + Extent(size);
  }
  return offset;
}

void *Heap::Allocate(size_t bytes) {
  if (bytes > kMostMemory || used_ + Counted(bytes) > capacity_) {
    return nullptr;
  }
  const size_t offset = FindRoom(bytes);
  if (offset + Extent(bytes) + kApron > kArenaBytes) {
    return nullptr;
  }
  const Opening open(*this);
  const size_t guarded = offset + Extent(bytes) + kApron;
  if (guarded > guarded_) {
    ASAN_POISON_MEMORY_REGION(arena_ + guarded_, guarded - guarded_);
    guarded_ = guarded;
  }
  unsigned char *memory = arena_ + offset;
  ASAN_UNPOISON_MEMORY_REGION(memory, Extent(bytes));
  std::memset(memory, 0xFF, bytes);
  for (size_t i = bytes; i < Extent(bytes); ++i) {
    memory[i] = Canary(i);
  }
  ASAN_POISON_MEMORY_REGION(memory + bytes, Extent(bytes) - bytes);
  bytes_at_[offset] = bytes;
  used_ += Counted(bytes);
  return memory;
}

// Gives an allocation back; it must still be listed.
void Heap::Retire(size_t offset, size_t bytes) {
  CheckRedZone(offset, bytes);
  ASAN_UNPOISON_MEMORY_REGION(arena_ + offset, Extent(bytes));
  std::memset(arena_ + offset, 0xFF, Extent(bytes));
  ASAN_POISON_MEMORY_REGION(arena_ + offset, Extent(bytes));
  used_ -= Counted(bytes);
}

bool Heap::Free(void *memory) {
  if (!Owns(memory)) {
    return false;
  }
  const auto found = bytes_at_.find(static_cast<size_t>(static_cast<unsigned char *>(memory) - arena_));
  if (found == bytes_at_.end()) {
    return false;
  }
  const Opening open(*this);
  Retire(found->first, found->second);
  bytes_at_.erase(found);
  return true;
}

void Heap::Clear() {
  const Opening open(*this);
  for (const auto &[offset, bytes] : bytes_at_) {
    Retire(offset, bytes);
  }
  bytes_at_.clear();
}

bool Heap::Owns(const void *memory) const {
  const auto address = reinterpret_cast<uintptr_t>(memory), start = reinterpret_cast<uintptr_t>(arena_);
  return address >= start && address - start < kArenaBytes;
}

bool Heap::Holds(const void *memory, size_t bytes) const {
  if (!Owns(memory)) {
    return false;
  }
  const size_t offset = reinterpret_cast<uintptr_t>(memory) - reinterpret_cast<uintptr_t>(arena_);
  auto after = bytes_at_.upper_bound(offset);
  if (after == bytes_at_.begin()) {
    return false;
  }
  const auto &[start, size] = *--after;
  return offset - start <= size && bytes <= size - (offset - start);
}

void Heap::SetCapacity(size_t capacity) {
  capacity_ = capacity < kMostMemory ? capacity : kMostMemory;
}

// Under AddressSanitizer no write gets there.
void Heap::CheckRedZone([[maybe_unused]] size_t offset, [[maybe_unused]] size_t bytes) const {
#ifndef __SANITIZE_ADDRESS__
  const unsigned char *memory = arena_ + offset;
  for (size_t i = bytes; i < Extent(bytes); ++i) {
    if (memory[i] != Canary(i)) {
      Die("a write %zu bytes past the end of %zu bytes of device memory", i - bytes, bytes);
    }
  }
#endif
}

void Heap::CheckRedZones() const {
  for (const auto &[offset, bytes] : bytes_at_) {
    CheckRedZone(offset, bytes);
  }
}

void *AllocatePinned(size_t bytes) {
  void *memory = ::operator new(bytes, std::nothrow);
  if (memory != nullptr) {
    std::memset(memory, 0xFF, bytes);
    Pinned()[reinterpret_cast<uintptr_t>(memory)] = bytes;
  }
  return memory;
}

bool FreePinned(void *memory) {
  const auto found = Pinned().find(reinterpret_cast<uintptr_t>(memory));
  if (found == Pinned().end()) {
    return false;
  }
  ASAN_UNPOISON_MEMORY_REGION(memory, found->second);
  Pinned().erase(found);
  ::operator delete(memory);
  return true;
}

bool IsPinned(const void *memory, size_t bytes) {
  const auto address = reinterpret_cast<uintptr_t>(memory);
  auto after = Pinned().upper_bound(address);
  if (after == Pinned().begin()) {
    return false;
  }
  const auto &[start, size] = *--after;
  return address - start < size && bytes <= size - (address - start);
}

void Withhold(void *memory, size_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
  std::memset(memory, 0xFF, bytes);
  ASAN_POISON_MEMORY_REGION(memory, bytes);
}

void Deliver(void *memory, size_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
}

}  // namespace simt
