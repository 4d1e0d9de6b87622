// matrix_instructions.h - the instructions of kernels/matrix.cuh for the emulation of tests/simt, as loops over
// what the lanes of a warp bring. The layouts are those of the PTX documentation.
#ifndef SIMT_MATRIX_INSTRUCTIONS_H
#define SIMT_MATRIX_INSTRUCTIONS_H

#define AIT_MATRIX_INSTRUCTIONS

namespace simt {

inline uint32_t ByteOf(uint32_t word, unsigned i) {
  return word >> 8 * i & 0xFF;
}

// Sum over k of a(row, k) b(k, column): lane 4 (row % 8) + k % 16 / 4 has brought a's byte k % 4, in word
// row / 8 + 2 (k / 16); lane 4 column + k % 16 / 4 has brought b's, in word 4 + k / 16.
inline int32_t ProductOfBytes(unsigned row, unsigned column) {
  int32_t sum = 0;
  for (unsigned quad = 0; quad < 8; ++quad) {
    const uint32_t a = Brought(4 * (row % 8) + quad % 4, row / 8 + 2 * (quad / 4));
    const uint32_t b = Brought(4 * column + quad % 4, 4 + quad / 4);
    for (unsigned i = 0; i < 4; ++i) {
      sum += static_cast<int32_t>(ByteOf(a, i)) * static_cast<int8_t>(ByteOf(b, i));
    }
  }
  return sum;
}

inline void MultiplyBytes(int32_t (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const char *file,
                          int line) {
  const uint32_t operands[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const unsigned lane = thread_index.x % 32;
  Bring(operands, 6, file, line);
  for (unsigned i = 0; i < 4; ++i) {
    sum[i] += ProductOfBytes(lane / 4 + 8 * (i / 2), 2 * (lane % 4) + i % 2);
  }
}

// Half-word `column` of row `row` of matrix i, whose rows of 16 bytes the lanes 8 i .. 8 i + 7 have named.
inline uint32_t MatrixEntry(unsigned i, unsigned row, unsigned column) {
  const uint64_t address = static_cast<uint64_t>(Brought(8 * i + row, 1)) << 32 | Brought(8 * i + row, 0);
  uint16_t entry;
  std::memcpy(&entry, reinterpret_cast<const unsigned char *>(address) + 2 * column, sizeof entry);
  return entry;
}

inline void LoadMatrices(const void *row, bool transposed, uint32_t (&loaded)[4], const char *file, int line) {
  const auto address = reinterpret_cast<uint64_t>(row);
  const uint32_t operands[2] = {static_cast<uint32_t>(address), static_cast<uint32_t>(address >> 32)};
  const unsigned lane = thread_index.x % 32, far = lane / 4, near = 2 * (lane % 4);
  CheckAligned(row, file, line);
  Bring(operands, 2, file, line);
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t low = transposed ? MatrixEntry(i, near, far) : MatrixEntry(i, far, near);
    const uint32_t high = transposed ? MatrixEntry(i, near + 1, far) : MatrixEntry(i, far, near + 1);
    loaded[i] = low | high << 16;
  }
}

// Until the thread waits, 0xFF stands where the copy will.
inline void CopyAsync(void *shared, const void *global, const char *file, int line) {
  CheckAligned(shared, file, line);
  CheckAligned(global, file, line);
  std::memset(shared, 0xFF, 16);
  QueueCopy(shared, global);
}

inline void WaitForCopies() {
  void *to;
  const void *from;
  while (NextCopy(&to, &from)) {
    std::memcpy(to, from, 16);
  }
}

}  // namespace simt

inline uint32_t __byte_perm(uint32_t low, uint32_t high, uint32_t selector) {
  const uint64_t bytes = static_cast<uint64_t>(high) << 32 | low;
  uint32_t picked = 0;
  for (unsigned i = 0; i < 4; ++i) {
    picked |= static_cast<uint32_t>(bytes >> 8 * (selector >> 4 * i & 7) & 0xFF) << 8 * i;
  }
  return picked;
}

#define ait_multiply_bytes(sum, a, b)    ::simt::MultiplyBytes((sum), (a), (b), __FILE__, __LINE__)
#define ait_load_matrices(row, loaded)   ::simt::LoadMatrices((row), false, (loaded), __FILE__, __LINE__)
#define ait_load_transposed(row, loaded) ::simt::LoadMatrices((row), true, (loaded), __FILE__, __LINE__)
#define ait_copy_async(shared, global)   ::simt::CopyAsync((shared), (global), __FILE__, __LINE__)
#define ait_wait_for_copies()            ::simt::WaitForCopies()

#endif
