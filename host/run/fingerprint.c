/* fingerprint.c - a number that tells the rows, labels and ids of runs from others. */
#include "run/fingerprint.h"

#include <string.h>
#include <xxhash.h>

#include "context/error.h"
#include "data/matrix.h"

static void add(XXH3_state_t *state, size_t bytes, const void *from) {
  if (bytes > 0) {
    XXH3_64bits_update(state, from, bytes);
  }
}

/* Numbers in the order of bytes that little-endian machines have; on others a fingerprint is another. */
static void add_matrix(XXH3_state_t *state, const ait_matrix *matrix) {
  const int64_t shape[] = {matrix->type, matrix->rows, matrix->columns, matrix->scale != NULL, matrix->shift != NULL};
  const size_t size = ait_type_size(matrix->type), numbers = (size_t)matrix->columns * sizeof *matrix->scale;
  add(state, sizeof shape, shape);
  add(state, matrix->scale == NULL ? 0 : numbers, matrix->scale);
  add(state, matrix->shift == NULL ? 0 : numbers, matrix->shift);
  for (int64_t i = 0; i < matrix->rows; i++) {
    add(state, (size_t)matrix->columns * size, (const char *)matrix->data + (size_t)(i * matrix->stride) * size);
  }
}

/* A part of the data; absent ones count as well. */
static void add_part(XXH3_state_t *state, const ait_matrix *rows, const int32_t *labels) {
  const int32_t is_there = rows != NULL;
  add(state, sizeof is_there, &is_there);
  if (is_there) {
    add_matrix(state, rows);
    add(state, (size_t)rows->rows * sizeof *labels, labels);
  }
}

/* Ids decide no figure, but stand beside the rows that are found. */
static void add_ids(XXH3_state_t *state, const ait_clean_data *d) {
  add(state, sizeof d->id_count, &d->id_count);
  for (int64_t i = 0; i < d->id_count; i++) {
    add(state, strlen(d->ids[i]) + 1, d->ids[i]);
  }
}

ait_status ait_fingerprint(int64_t count, const ait_clean_data *data, uint64_t *fingerprint) {
  XXH3_state_t *state = XXH3_createState();
  if (state == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the fingerprint of the rows");
  }
  XXH3_64bits_reset(state);
  for (int64_t i = 0; i < count; i++) {
    const ait_clean_data *d = &data[i];
    const int32_t knows_truth = d->truth != NULL;
    add_part(state, d->train, d->given);
    add_part(state, d->validation, d->validation_labels);
    add_part(state, d->test, d->test_labels);
    add(state, sizeof knows_truth, &knows_truth);
    add(state, knows_truth ? (size_t)d->train_rows * sizeof *d->truth : 0, d->truth);
    add_ids(state, d);
  }
  *fingerprint = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return AIT_OK;
}
