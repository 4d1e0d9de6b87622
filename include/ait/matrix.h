/* matrix.h - data matrices that keep their own type.
 *
 * A matrix is rows x columns numbers in row-major order on the host. The value of an element is
 *     value(i, j) = scale_j * stored(i, j) + shift_j,
 * with scale 1 and shift 0 unless set. Nothing is ever converted to a wider type as a whole: u8
 * pixels stay one byte each, on the host and on the device. */
#ifndef AIT_MATRIX_H
#define AIT_MATRIX_H

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ait_type { AIT_U8, AIT_I32, AIT_I64, AIT_F16, AIT_F32, AIT_F64, AIT_TYPE_COUNT } ait_type;

typedef struct ait_matrix ait_matrix;

/* Bytes of one element, and the type's name ("u8", "i32", "i64", "f16", "f32", "f64"). */
AIT_API size_t ait_type_size(ait_type type);
AIT_API const char *ait_type_name(ait_type type);

/* A view of the caller's array: `data` (rows x columns, `stride` elements from one row to the next,
 * stride >= columns) is borrowed, not copied, and must outlive the matrix.
 * Errors: AIT_INVALID_ARGUMENT, AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_matrix_view(ait_type type, int64_t rows, int64_t columns, int64_t stride, const void *data,
                                   ait_matrix **matrix);

/* Opens a NumPy .npy file (versions 1 to 3, little endian, C order, u8 i32 i64 f16 f32 f64) as a
 * memory map: pages are read when touched, never the file as a whole. An array of more than two
 * axes is read as shape[0] rows of the product of the others; one axis is a column (n x 1).
 * Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_BAD_DATA (the sentence names the file and what was
 * expected), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_matrix_open_npy(const char *path, ait_matrix **matrix);

/* Writes the stored values as an .npy file of version 1.0 of shape (rows, columns), or (rows,) when
 * `columns` is 1 and `flat` is nonzero; images that a reader has found, and rows gathered from them, keep their sides
 * and channels as axes. The file is complete or not there: it is written beside its place, synced and renamed. Errors:
 * AIT_IO_ERROR, AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_matrix_write_npy(const ait_matrix *matrix, int32_t flat, const char *path);

/* A new matrix that owns a copy of the named rows, in the given order, of the same type, with the
 * same scale and shift. `rows` has `count` entries in 0 .. matrix rows - 1.
 * Errors: AIT_INVALID_ARGUMENT (a row outside the matrix), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_matrix_gather(const ait_matrix *matrix, int64_t count, const int64_t *rows, ait_matrix **out);

/* Sets value = scale_j * stored + shift_j; `scale` and `shift` have one entry a column and are
 * copied; NULL means 1 (0). Errors: AIT_INVALID_ARGUMENT (not finite), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_matrix_set_scale(ait_matrix *matrix, const double *scale, const double *shift);

/* Looks for stored values that are not finite as ait_real (in the float library an f64 above the
 * largest float counts). AIT_BAD_DATA with the row and the column of the first one;
 * `name` is what the sentence calls the matrix (a file's path, say). */
AIT_API ait_status ait_matrix_check_finite(const ait_matrix *matrix, const char *name);

AIT_API ait_type ait_matrix_type(const ait_matrix *matrix);
AIT_API int64_t ait_matrix_rows(const ait_matrix *matrix);
AIT_API int64_t ait_matrix_columns(const ait_matrix *matrix);
AIT_API int64_t ait_matrix_stride(const ait_matrix *matrix);      /* in elements */
AIT_API const void *ait_matrix_data(const ait_matrix *matrix);    /* host, owned by the matrix or borrowed by it */
AIT_API const double *ait_matrix_scale(const ait_matrix *matrix); /* columns entries, or NULL: all 1 */
AIT_API const double *ait_matrix_shift(const ait_matrix *matrix); /* columns entries, or NULL: all 0 */

/* The value of one element, scale and shift applied; i and j are not checked. */
AIT_API double ait_matrix_value(const ait_matrix *matrix, int64_t i, int64_t j);

AIT_API void ait_matrix_destroy(ait_matrix *matrix); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
