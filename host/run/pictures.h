/* pictures.h - small pictures of the most suspect rows, where rows are images. */
#ifndef AIT_RUN_PICTURES_H
#define AIT_RUN_PICTURES_H

#include "run/folder.h"
#include "run/suspects.h"

#ifdef __cplusplus
extern "C" {
#endif

/* So many rows at most, and sides of so many pixels. */
enum { AIT_PICTURES = 100, AIT_PICTURE_SIDE = 64 };

/* Writes suspect_images.npy into a partial folder: u8, rows in the order of suspects.csv x height x width (x 3 where
 * there are colours). Larger images are made smaller by averaging; numbers that are neither u8 nor in 0 .. 1 are
 * brought there by the least and the largest of those shown. Writes nothing where rows are not known to be images,
 * or so long and thin that a side would have one pixel.
 * Errors: AIT_OUT_OF_MEMORY, those of ait_matrix_write_npy. */
ait_status ait_pictures_write(const ait_suspects *suspects, const ait_folder *folder);

#ifdef __cplusplus
}
#endif
#endif
