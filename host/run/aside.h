/* aside.h - validation rows that F does not see: rows planted among the training rows, whose true labels tell how many
 * of the suspected rows are really wrong, and rows held out, which tell when to stop (docs/derivation.md#calibration).
 */
#ifndef AIT_RUN_ASIDE_H
#define AIT_RUN_ASIDE_H

#include "run/settings.h"
#include "run/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ait_clean_data;

enum {
  AIT_LEAST_PLANTED = 20,      /* rows: fewer would tell next to nothing */
  AIT_PLANTED_PER_FLIPPED = 3, /* planted rows for each that gets a wrong label */
  AIT_LEAST_HELD_OUT = 10,
  AIT_ASIDE_SENTENCE = 512
};

/* Start from zeros: no row is set aside. */
typedef struct ait_aside {
  int64_t planted, flipped;         /* rows; those with a wrong label, the first of them */
  char without[AIT_ASIDE_SENTENCE]; /* why none was planted, where they were to be; else empty */
  int64_t held_out;
  int32_t *held_out_labels;
  ait_matrix *held_out_rows;
  ait_stack learned;     /* where rows were planted: the training rows, then these */
  ait_matrix *upper;     /* the validation rows that are left for F; NULL: all of them */
  int32_t *upper_labels; /* theirs */
} ait_aside;

/* What the settings of a weights run ask for where nothing was said: rows are planted where nobody knows which labels
 * are wrong, and none held out. `several_rates` nonzero: noise rates are listed. The settings are complete otherwise.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the options that clash). */
ait_status ait_aside_complete(ait_clean_settings *settings, int32_t several_rates);

/* Sets settings->plant and settings->hold_out of the validation rows that nobody has reviewed aside; every class keeps
 * a row for F. Which ones, and what label each of the flipped gets, of those that other training rows carry, all alike,
 * the seed decides. data->train then lies in what is learned from, and data->given goes on with the planted labels.
 * Too few rows to plant, or rows that cannot stand below the training rows, leave a sentence in `without` and nothing
 * planted, but are an error where settings->plant_asked. Errors: AIT_INVALID_ARGUMENT (that; too few rows to hold out),
 * AIT_OUT_OF_MEMORY. */
ait_status ait_aside_apply(const ait_clean_settings *settings, struct ait_clean_data *data);

void ait_aside_free(ait_aside *aside);

#ifdef __cplusplus
}
#endif
#endif
