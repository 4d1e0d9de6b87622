/* matrix.h (internal) - what a matrix holds, and how readers make one. */
#ifndef AIT_MATRIX_INTERNAL_H
#define AIT_MATRIX_INTERNAL_H

#include "ait/matrix.h"

/* How the numbers of a row make an image. A side of 0: that is not known of them. */
typedef struct ait_image_layout {
  int64_t height, width, channels;
  int32_t planar; /* nonzero: one channel after another; else the channels of a pixel stand together */
} ait_image_layout;

struct ait_matrix {
  ait_type type;
  int64_t rows, columns, stride; /* stride in elements */
  const void *data;
  double *scale, *shift; /* columns entries each, or NULL: 1 and 0 */
  void *memory;          /* freed with the matrix, or NULL */
  void *map;             /* unmapped with the matrix, or NULL */
  size_t map_bytes;
  ait_image_layout layout;
};

/* *bytes = rows * stride * size of the type; 0 (false) where that does not fit into memory. */
int ait_matrix_bytes(ait_type type, int64_t rows, int64_t stride, size_t *bytes);

/* A matrix over `memory` (rows x columns, from malloc), which it takes over and frees, on failure too. */
ait_status ait_matrix_adopt(ait_type type, int64_t rows, int64_t columns, void *memory, ait_matrix **matrix);

/* The same over a memory map of map_bytes bytes from `map`; the numbers begin at `data` inside it. */
ait_status ait_matrix_adopt_map(ait_type type, int64_t rows, int64_t columns, const void *data, void *map,
                                size_t map_bytes, ait_matrix **matrix);

/* Sets scale 1/255 on every column: u8 pixels become 0 .. 1. */
ait_status ait_matrix_scale_pixels(ait_matrix *matrix);

#endif
