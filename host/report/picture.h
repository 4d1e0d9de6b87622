/* picture.h - a picture as a PNG image inside a page. */
#ifndef AIT_REPORT_PICTURE_H
#define AIT_REPORT_PICTURE_H

#include <stdio.h>

#include "ait/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes row i of a matrix of pictures (u8, its rows laid out as images of one or three channels) as a data: URI.
 * Errors: AIT_OUT_OF_MEMORY, AIT_BAD_DATA (rows that are no such images). */
ait_status ait_picture_write(const ait_matrix *pictures, int64_t i, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
