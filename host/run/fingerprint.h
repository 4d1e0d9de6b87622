/* fingerprint.h - a number that tells the rows, labels and ids of runs from others. */
#ifndef AIT_RUN_FINGERPRINT_H
#define AIT_RUN_FINGERPRINT_H

#include "run/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* XXH3 of everything that `count` runs read of their data: types, shapes, scales, rows and labels of the training,
 * validation and test parts, the truth where it is known, and ids. The same on machines with the same order of bytes.
 * Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_fingerprint(int64_t count, const ait_clean_data *data, uint64_t *fingerprint);

#ifdef __cplusplus
}
#endif
#endif
