/* picture.h - a picture as a PNG image inside a page. */
#ifndef AIT_REPORT_PICTURE_H
#define AIT_REPORT_PICTURE_H

#include <stdio.h>

#include "ait/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes row i of a matrix of pictures (u8, its rows laid out as images of one channel, or of three side by side) as a
 * data: URI. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_picture_write(const ait_matrix *pictures, int64_t i, FILE *out);

/* The most bytes that one of them takes so. */
int64_t ait_picture_most_bytes(const ait_matrix *pictures);

#ifdef __cplusplus
}
#endif
#endif
