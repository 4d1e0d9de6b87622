/* row_products.h (internal) - matrix products of matrices that stand in memory row behind row, among them those behind
 * rows_times and rows_transposed_times, once a device has the values of a chunk of rows at hand. */
#ifndef AIT_ROW_PRODUCTS_H
#define AIT_ROW_PRODUCTS_H

#include "device/device.h"

/* A leading dimension: 1 or more, also where there is nothing. */
static inline int64_t ait_leading(int64_t n) {
  return n > 1 ? n : 1;
}

/* c (m x n) = op(a) op(b), with sums over k. */
static inline ait_gemm ait_dense_product(int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n, int64_t k,
                                         const ait_real *a, const ait_real *b, ait_real *c) {
  return (ait_gemm){.transpose_a = transpose_a,
                    .transpose_b = transpose_b,
                    .m = m,
                    .n = n,
                    .k = k,
                    .alpha = 1,
                    .a = a,
                    .lda = transpose_a ? m : k,
                    .b = b,
                    .ldb = transpose_b ? k : n,
                    .c = c,
                    .ldc = n};
}

/* z (count x h) = U w' for `count` rows of values U, `stride` apart; w is h x columns. */
static inline ait_gemm ait_rows_product(int64_t count, int64_t h, int64_t columns, const ait_real *values,
                                        int64_t stride, const ait_real *w, ait_real *z) {
  return (ait_gemm){.transpose_b = 1,
                    .m = count,
                    .n = h,
                    .k = columns,
                    .alpha = 1,
                    .a = values,
                    .lda = stride,
                    .b = w,
                    .ldb = ait_leading(columns),
                    .c = z,
                    .ldc = ait_leading(h)};
}

/* g (h x columns) = r' U for the same rows; r is count x h. */
static inline ait_gemm ait_rows_transposed_product(int64_t count, int64_t h, int64_t columns, const ait_real *r,
                                                   const ait_real *values, int64_t stride, ait_real *g) {
  return (ait_gemm){.transpose_a = 1,
                    .m = h,
                    .n = columns,
                    .k = count,
                    .alpha = 1,
                    .a = r,
                    .lda = ait_leading(h),
                    .b = values,
                    .ldb = stride,
                    .c = g,
                    .ldc = ait_leading(columns)};
}

#endif
