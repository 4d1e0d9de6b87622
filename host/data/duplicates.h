/* duplicates.h (internal) - rows of matrices that are equal. */
#ifndef AIT_DUPLICATES_H
#define AIT_DUPLICATES_H

#include "ait/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* hashes (one a row): 64 bits of the stored bytes of each row; equal rows have equal ones. */
void ait_rows_hash(const ait_matrix *matrix, uint64_t *hashes);

/* first (one a row of `rows`) = the first row of `among` with the same stored bytes, or -1. The hashes are those of
 * ait_rows_hash; rows of equal hashes are compared byte for byte, so that the answer is exact. Types and columns must
 * be equal. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_rows_find(const ait_matrix *among, const uint64_t *among_hashes, const ait_matrix *rows,
                         const uint64_t *hashes, int64_t *first);

#ifdef __cplusplus
}
#endif
#endif
