// heap.h - the memory of the emulated device, and the host memory that it may reach by itself.
#ifndef SIMT_HEAP_H
#define SIMT_HEAP_H

#include <cstddef>
#include <map>

namespace simt {

// Device memory lies in one arena that nobody can touch unless it is open. What is allocated is
// aligned to 256 bytes, is 0xFF, and has a red zone behind it; what is freed is 0xFF again.
class Heap {
 public:
  explicit Heap(size_t capacity);

  // NULL if there is no room. Free is false if `memory` was not allocated here.
  void *Allocate(size_t bytes);
  bool Free(void *memory);
  void Clear();

  // In the arena; and inside one allocation, to the last byte.
  bool Owns(const void *memory) const;
  bool Holds(const void *memory, size_t bytes) const;

  size_t capacity() const {
    return capacity_;
  }
  size_t used() const {
    return used_;
  }
  void SetCapacity(size_t capacity);

  // Reports an allocation whose red zone was written to. The heap must be open.
  void CheckRedZones() const;

  // The arena is open as long as one of these lives.
  class Opening {
   public:
    explicit Opening(Heap &heap);
    ~Opening();
    Opening(const Opening &) = delete;
    Opening &operator=(const Opening &) = delete;

   private:
    Heap &heap_;
  };

 private:
  size_t FindRoom(size_t bytes) const;
  void Retire(size_t offset, size_t bytes);
  void CheckRedZone(size_t offset, size_t bytes) const;

  unsigned char *arena_;
  size_t capacity_, used_ = 0;
  size_t guarded_ = 0;  // the part of the arena that has been poisoned
  int openings_ = 0;
  std::map<size_t, size_t> bytes_at_;  // offset -> bytes asked for
};

Heap &DeviceHeap();

// Pinned memory: ordinary host memory that copies know.
void *AllocatePinned(size_t bytes);
bool FreePinned(void *memory);
bool IsPinned(const void *memory, size_t bytes);

// Makes a part of pinned memory 0xFF and unreadable until what will be copied there has been.
void Withhold(void *memory, size_t bytes);
void Deliver(void *memory, size_t bytes);

}  // namespace simt

#endif
