/* suspects.h - a ranking of the training rows with what it is based on. */
#ifndef AIT_RUN_SUSPECTS_H
#define AIT_RUN_SUSPECTS_H

#include "run/data.h"

/* What suspects.csv says of the N training rows; everything is borrowed. */
typedef struct ait_suspects {
  const ait_clean_data *data;
  const int64_t *order;    /* most suspect first */
  int64_t listed, written; /* rows of the suggested list, and of suspects.csv: the first of `order` */
  const double *given_probability, *suggested_probability;
  const int32_t *suggested;
  const double *score;
  const ait_real *x; /* sigmoid(x_i) is the column `weight`; NULL: there is no such column */
} ait_suspects;

#endif
