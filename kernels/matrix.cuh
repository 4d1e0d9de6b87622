/* matrix.cuh - the instructions that multiply bytes on tensor cores, and those that bring their operands
 * (PTX ISA: mma.m16n8k32, ldmatrix, cp.async; compute capability 8.0 and up).
 *
 * All but the copies are collectives: every lane of a warp calls them together. Lane l is in row g = l / 4 and
 * column q = l % 4 of a warp seen as 8 x 4. A word holds 4 bytes, the first lowest. */
#ifndef AIT_KERNELS_MATRIX_CUH
#define AIT_KERNELS_MATRIX_CUH

#include "device.cuh"

#ifndef AIT_MATRIX_INSTRUCTIONS

/* sum (16 x 8, int32) += a (16 x 32, u8) b (32 x 8, s8). Of a a lane holds the columns 4 q .. 4 q + 3 of the rows g and
 * g + 8, then the columns 16 further on; of b the rows 4 q .. 4 q + 3 of column g, then the rows 16 further on; of the
 * sum the columns 2 q and 2 q + 1 of row g, then of row g + 8. Products and sums are exact as long as they fit. */
__device__ inline void ait_multiply_bytes(int32_t (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Four matrices of 8 rows of 16 bytes in shared memory: lane 8 i + r names row r of matrix i. loaded[i] is the word q
 * of row g of matrix i. */
__device__ inline void ait_load_matrices(const void *row, uint32_t (&loaded)[4]) {
  const uint32_t address = (uint32_t)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(loaded[0]), "=r"(loaded[1]), "=r"(loaded[2]), "=r"(loaded[3])
               : "r"(address)
               : "memory");
}

/* The same with the half-words transposed: loaded[i] is the half-word g of row 2 q of matrix i, then that of
 * row 2 q + 1. */
__device__ inline void ait_load_transposed(const void *row, uint32_t (&loaded)[4]) {
  const uint32_t address = (uint32_t)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(loaded[0]), "=r"(loaded[1]), "=r"(loaded[2]), "=r"(loaded[3])
               : "r"(address)
               : "memory");
}

/* Copies 16 bytes from global to shared memory, both aligned to 16, some time before ait_wait_for_copies returns to the
 * same thread; other threads see them behind a barrier after that. */
__device__ inline void ait_copy_async(void *shared, const void *global) {
  const uint32_t address = (uint32_t)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
               :
               : "r"(address), "l"(__cvta_generic_to_global(global))
               : "memory");
}

__device__ inline void ait_wait_for_copies() {
  asm volatile("cp.async.wait_all;" : : : "memory");
}

#endif

/* Transposed half-words of 32 rows of 16 columns (ait_load_transposed of four times 8 rows) as the left operand of
 * ait_multiply_bytes: its rows g and g + 8 are the columns 2 g and 2 g + 1, and its columns the rows in the order of
 * ait_row_place. */
__device__ inline void ait_transpose_bytes(const uint32_t (&halves)[4], uint32_t (&bytes)[4]) {
  bytes[0] = __byte_perm(halves[0], halves[1], 0x6420);
  bytes[1] = __byte_perm(halves[0], halves[1], 0x7531);
  bytes[2] = __byte_perm(halves[2], halves[3], 0x6420);
  bytes[3] = __byte_perm(halves[2], halves[3], 0x7531);
}

/* Where row r < 32 stands among the columns of such an operand: each word holds the rows 2 q, 2 q + 1, 2 q + 8 and
 * 2 q + 9 of 16. */
__host__ __device__ inline unsigned ait_row_place(unsigned r) {
  return r / 16 * 16 + r % 8 / 2 * 4 + r % 16 / 8 * 2 + r % 2;
}

#endif
