/* retrain.h - the same training for all, on what a ranking leaves. */
#ifndef AIT_RUN_RETRAIN_H
#define AIT_RUN_RETRAIN_H

#include "run/baseline.h"
#include "run/data.h"

/* Trains a classifier on the training rows order[dropped] .. order[N - 1], the least suspect ones, with their given
 * labels, and all validation rows; `y` receives its parameters. Errors: those of ait_stack_rows and ait_baseline_train.
 */
ait_status ait_retrain(ait_context *context, const ait_network *network, const ait_clean_settings *settings,
                       const ait_clean_data *data, const int64_t *order, int64_t dropped, ait_real *y,
                       ait_baseline *baseline);

#endif
