/* sparse_rows.h (internal) - rows of bytes without most of their zeros: columns stand in an order in which many vectors
 * of a row are all zeros (column_order.c), and only the others are kept. */
#ifndef AIT_SPARSE_ROWS_H
#define AIT_SPARSE_ROWS_H

#include "device/cpu/data_pass.h"

struct ait_sparse_rows {
  int64_t lanes, vectors, words; /* columns of a vector, vectors of a row, words of `filled` a row */
  int32_t *column_at;            /* the column at each of vectors * lanes places; -1: none, 0 is stored */
  uint64_t *filled;              /* of every row: a bit for each vector that holds something */
  uint32_t *holders;             /* of every block of AIT_PASS_ROWS rows and vector: a bit for each row that does */
  int64_t *starts;               /* where a row's vectors begin in `bytes` */
  uint8_t *bytes;                /* the vectors that hold something, row after row */
};

_Static_assert(AIT_PASS_ROWS == 32, "a word of `holders` has a bit for every row of a block");

/* Replaces borrowed rows by such a copy, for a kernel that skips zeros, if they are bytes with many of them. Whether it
 * does depends on the rows alone, as the last bits of results depend on it. Problems that read the same rows share the
 * copy. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_make_sparse(ait_device *device, const ait_upload_source *source, ait_rows *rows);

/* The stored numbers of row i, column after column. */
void ait_convert_sparse_row(const ait_rows *rows, int64_t i, ait_real *target);

/* column_order.c: whether so many numbers of a sample of the rows are 0 that an order of columns may pay. */
int ait_has_many_zeros(const ait_rows *rows);

/* column_order.c: the column at each place, for their number rounded up to a multiple of `lanes`, a power of 2; -1
 * where there is none. It depends on the rows' numbers and on `lanes` alone. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_order_columns(const ait_rows *rows, int64_t lanes, int32_t *column_at);

#endif
