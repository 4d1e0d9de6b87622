/* reviewed.h - training rows whose labels a person has checked: they go to the validation rows, with these labels. */
#ifndef AIT_RUN_REVIEWED_H
#define AIT_RUN_REVIEWED_H

#include "run/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads settings->reviewed, a CSV file with a column `label` and a column `row` (numbers from 0) or, with --ids, `id`;
 * others and rows of an empty label are passed over. The rows named leave the training rows, which have to be all rows
 * of the user's file in their order, and stand before the validation rows.
 * Errors: AIT_BAD_DATA (the sentence names file and line: a row that is not there, or twice, or of another id, no
 * class; no row named, or too few left), AIT_UNSUPPORTED (both sides are stored differently), those of the reader,
 * AIT_OUT_OF_MEMORY. */
ait_status ait_reviewed_apply(const ait_clean_settings *settings, ait_clean_data *data);

#ifdef __cplusplus
}
#endif
#endif
