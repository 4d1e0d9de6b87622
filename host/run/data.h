/* data.h - the rows of a hyper-cleaning run: loaded, split, corrupted and checked. */
#ifndef AIT_RUN_DATA_H
#define AIT_RUN_DATA_H

#include "run/aside.h"
#include "run/data_checks.h"
#include "run/settings.h"
#include "run/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_clean_data {
  const ait_matrix *train, *validation, *test;      /* test: NULL where there is none */
  int32_t *given, *validation_labels, *test_labels; /* given: of the training rows, then of planted ones */
  int64_t train_rows, validation_rows, test_rows, features;
  int32_t classes;
  int64_t *source_rows; /* of each training row: its row in the user's file, or in the published training part */
  int64_t *validation_source_rows; /* of each validation row, likewise */
  char **ids;                      /* one a row of the user's file, or NULL */
  int64_t id_count;

  /* What is known of the truth; NULL where nothing is. */
  int32_t *truth;
  uint8_t *redrawn;     /* 1: the label was redrawn (it may have stayed right) */
  uint8_t *mislabelled; /* 1: given differs from truth */
  int64_t mislabelled_rows;

  int64_t reviewed_rows;   /* validation rows, the first, that were training rows: a person has checked their labels */
  ait_stack with_reviewed; /* then holds the validation rows */

  ait_aside aside;        /* validation rows that weights are not learned for; the validation rows hold them too */
  ait_data_checks checks; /* what is odd about these rows */

  ait_dataset *sources[3]; /* training, validation, test; some NULL */
  int32_t borrows;         /* nonzero: sources and ids are another's */
  ait_matrix *owned[3];    /* the gathered rows; NULL where a source's matrix is used as it is */
} ait_clean_data;

/* Loads everything that the settings ask for. On failure nothing is left to free.
 * Errors: AIT_INVALID_ARGUMENT (more rows asked for than there are), AIT_BAD_DATA (the parts do not fit
 * together, a class without a validation row), and those of the readers. */
ait_status ait_clean_data_load(const ait_clean_settings *settings, ait_clean_data *data);

/* The same for settings that differ from those of `first` in seed and noise alone: what was read for `first`, which
 * must outlive `data`, is not read again. */
ait_status ait_clean_data_load_beside(const ait_clean_settings *settings, const ait_clean_data *first,
                                      ait_clean_data *data);

/* What weights are learned from, borrowed: training rows with those planted among them, and the validation rows of F.
 * ait_clean_data_learned counts the former. */
ait_cleaning_entry ait_clean_data_entry(const ait_clean_data *data);
int64_t ait_clean_data_learned(const ait_clean_data *data);

/* A class's name, or its number written into `buffer`. */
const char *ait_clean_data_class(const ait_clean_data *data, int32_t label, char buffer[16]);

void ait_clean_data_free(ait_clean_data *data);

#ifdef __cplusplus
}
#endif
#endif
