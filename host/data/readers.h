/* readers.h (internal) - published binary formats of image sets. */
#ifndef AIT_READERS_H
#define AIT_READERS_H

#include "ait/matrix.h"

/* IDX images (u8, three axes), plain or gzip: rows x (height * width), without a scale.
 * Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_BAD_DATA, AIT_OUT_OF_MEMORY. */
ait_status ait_idx_read_images(const char *path, ait_matrix **images);

/* IDX labels (u8, one axis), plain or gzip, as int32; *labels is the caller's to free.
 * Errors: as above; a label outside 0 .. classes - 1 is AIT_BAD_DATA and its row is named. */
ait_status ait_idx_read_labels(const char *path, int32_t classes, int64_t *rows, int32_t **labels);

/* CIFAR-10 binary batches, plain or gzip, one after the other: rows x 3072, the red, green and blue
 * planes of 32 x 32 one after the other as in the file, without a scale, and the labels; *labels is
 * the caller's to free. Errors: as above. */
ait_status ait_cifar10_read(int32_t count, const char *const *paths, ait_matrix **images, int32_t **labels);

#endif
