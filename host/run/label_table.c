/* label_table.c - which classes the suspected labels are of. */
#include "run/label_table.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "context/error.h"
#include "run/allocate.h"
#include "run/json.h"

/* Classes and pairs that a summary names. */
enum { SHOWN = 4 };

ait_status ait_label_table_make(const ait_suspects *s, ait_label_table *table) {
  const ait_clean_data *d = s->data;
  const int64_t classes = d->classes;
  *table = (ait_label_table){.classes = classes};
  AIT_TRY(ait_allocate(classes * (classes + 2), sizeof *table->given, &table->given));
  table->listed = table->given + classes;
  table->pairs = table->listed + classes;
  for (int64_t i = 0; i < d->train_rows; i++) {
    table->given[d->given[i]]++;
    table->pairs[s->suggested[i] * classes + d->given[i]]++;
  }
  for (int64_t place = 0; place < s->listed; place++) {
    table->listed[d->given[s->order[place]]]++;
  }
  return AIT_OK;
}

void ait_label_table_end(ait_label_table *table) {
  free(table->given);
  *table = (ait_label_table){0};
}

/* ---- reports ----------------------------------------------------------------------------------- */

static void add_counts(cJSON *object, const char *name, int64_t count, const int64_t *counts) {
  cJSON *array = name != NULL ? cJSON_AddArrayToObject(object, name) : cJSON_CreateArray();
  for (int64_t c = 0; c < count; c++) {
    ait_json_append(array, cJSON_CreateNumber((double)counts[c]));
  }
  if (name == NULL) {
    ait_json_append(object, array);
  }
}

/* The share of the rows suggested to be of a class that carry each label; 0 where there are no such rows. */
static void add_shares(cJSON *object, int64_t count, const int64_t *counts) {
  cJSON *array = cJSON_CreateArray();
  int64_t sum = 0;
  for (int64_t c = 0; c < count; c++) {
    sum += counts[c];
  }
  for (int64_t c = 0; c < count; c++) {
    ait_json_append(array, cJSON_CreateNumber(sum > 0 ? (double)counts[c] / (double)sum : 0));
  }
  ait_json_append(object, array);
}

void ait_label_table_describe(const ait_label_table *t, cJSON *result) {
  cJSON *labels = cJSON_AddObjectToObject(result, "labels");
  add_counts(labels, "rows_by_given_label", t->classes, t->given);
  add_counts(labels, "suspected_by_given_label", t->classes, t->listed);
  cJSON *pairs = cJSON_AddArrayToObject(labels, "rows_by_suggested_and_given_label");
  cJSON *shares = cJSON_AddArrayToObject(labels, "estimated_noise_model");
  for (int64_t c = 0; c < t->classes; c++) {
    add_counts(pairs, NULL, t->classes, t->pairs + c * t->classes);
    add_shares(shares, t->classes, t->pairs + c * t->classes);
  }
}

/* The place of the largest of `counts` that is below, or equal and after, the one at `last`; -1: the largest of all.
 * Places on the diagonal of a width (0: none) do not count. -1 where none above 0 is left. */
static int64_t next_largest(int64_t count, const int64_t *counts, int64_t width, int64_t last) {
  int64_t best = -1;
  for (int64_t k = 0; k < count; k++) {
    const int diagonal = width > 0 && k % (width + 1) == 0;
    const int after = last < 0 || counts[k] < counts[last] || (counts[k] == counts[last] && k > last);
    best = !diagonal && after && counts[k] > 0 && (best < 0 || counts[k] > counts[best]) ? k : best;
  }
  return best;
}

void ait_label_table_print(const ait_label_table *t, const ait_clean_data *d, FILE *out) {
  char given[16], suggested[16];
  int64_t k = next_largest(t->classes, t->listed, 0, -1);
  for (int32_t shown = 0; shown < SHOWN && k >= 0; shown++) {
    fprintf(out, "%s %s (%lld of %lld)", shown == 0 ? "  Suspected by given label:" : ",",
            ait_clean_data_class(d, (int32_t)k, given), (long long)t->listed[k], (long long)t->given[k]);
    k = next_largest(t->classes, t->listed, 0, k);
    fputs(shown + 1 == SHOWN || k < 0 ? "\n" : "", out);
  }
  k = next_largest(t->classes * t->classes, t->pairs, t->classes, -1);
  for (int32_t shown = 0; shown < SHOWN && k >= 0; shown++) {
    fprintf(out, "%s %s, perhaps %s (%lld)", shown == 0 ? "  Most frequent: given" : ";",
            ait_clean_data_class(d, (int32_t)(k % t->classes), given),
            ait_clean_data_class(d, (int32_t)(k / t->classes), suggested), (long long)t->pairs[k]);
    k = next_largest(t->classes * t->classes, t->pairs, t->classes, k);
    fputs(shown + 1 == SHOWN || k < 0 ? "\n" : "", out);
  }
}
