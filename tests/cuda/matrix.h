/* matrix.h - launchers of the kernels that run one instruction of kernels/matrix.cuh each, on one warp. */
#ifndef AIT_TESTS_CUDA_MATRIX_H
#define AIT_TESTS_CUDA_MATRIX_H

#include <cuda_runtime_api.h>

#include <cstdint>

/* sum (16 x 8) += a (16 x 32) b', where b is 8 x 32; each lane takes its operands from where they stand. */
cudaError_t run_multiply_bytes(cudaStream_t stream, const uint8_t *a, const int8_t *b, int32_t *sum);

/* words[32][4] = what each lane has of 32 rows of 16 bytes, `stride` bytes apart, rows 8 i .. 8 i + 7 being matrix i.
 */
cudaError_t run_load(cudaStream_t stream, bool transposed, int stride, const uint8_t *rows, uint32_t *words);

/* sum (16 x 8) = u' r for u 32 rows of 16 bytes and r of 32 x 8 digits, as the data pass does it: transposed half-words
 * of u, and the rows of r in the order that those give. sum's row 2 g + h is u's column 2 g + h. */
cudaError_t run_transposed_product(cudaStream_t stream, const uint8_t *u, const int8_t *r, int32_t *sum);

/* Copies 512 bytes through shared memory, asynchronously on the way in. */
cudaError_t run_copy(cudaStream_t stream, const uint8_t *from, uint8_t *to);

/* out_i = __byte_perm(low_i, high_i, selector). */
cudaError_t run_pick(cudaStream_t stream, uint32_t selector, const uint32_t *low, const uint32_t *high, uint32_t *out);

#endif
