/* label_table.h - which classes the suspected labels are of: counts a class, and given against suggested labels. */
#ifndef AIT_RUN_LABEL_TABLE_H
#define AIT_RUN_LABEL_TABLE_H

#include <stdio.h>

#include "run/suspects.h"

struct cJSON;

/* Everything is owned; counts of training rows. */
typedef struct ait_label_table {
  int64_t classes;
  int64_t *given, *listed; /* by given label: all rows, those of the suggested list */
  int64_t *pairs;          /* classes x classes, of all rows: suggested by given */
} ait_label_table;

/* Errors: AIT_OUT_OF_MEMORY; nothing is then left to end. */
ait_status ait_label_table_make(const ait_suspects *suspects, ait_label_table *table);

/* Adds "labels" to a result: the counts, and the noise model that they make. */
void ait_label_table_describe(const ait_label_table *table, struct cJSON *result);

/* The classes that are suspected most and the most frequent pairs, in a few lines. */
void ait_label_table_print(const ait_label_table *table, const ait_clean_data *data, FILE *stream);

void ait_label_table_end(ait_label_table *table);

#endif
