/* duplicates.c - rows of matrices that are equal: hashes, sorted, and a comparison of the bytes where they agree. */
#include "data/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"

typedef struct hashed_row {
  uint64_t hash;
  int64_t row;
} hashed_row;

static size_t row_bytes(const ait_matrix *matrix) {
  return (size_t)ait_matrix_columns(matrix) * ait_type_size(ait_matrix_type(matrix));
}

static const char *row_data(const ait_matrix *matrix, int64_t row) {
  const size_t stride = (size_t)ait_matrix_stride(matrix) * ait_type_size(ait_matrix_type(matrix));
  return (const char *)ait_matrix_data(matrix) + (size_t)row * stride;
}

/* A step of the 64-bit mix of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)
 * for each eight bytes. */
static uint64_t hash_bytes(const char *bytes, size_t count) {
  uint64_t hash = count;
  for (size_t at = 0; at < count; at += sizeof hash) {
    uint64_t word = 0;
    memcpy(&word, bytes + at, count - at < sizeof word ? count - at : sizeof word);
    hash = (hash ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
    hash ^= hash >> 31;
  }
  return hash;
}

void ait_rows_hash(const ait_matrix *matrix, uint64_t *hashes) {
  const size_t bytes = row_bytes(matrix);
  for (int64_t i = 0; i < ait_matrix_rows(matrix); i++) {
    hashes[i] = hash_bytes(row_data(matrix, i), bytes);
  }
}

/* By hash, then by row. */
static int compare(const void *a, const void *b) {
  const hashed_row *left = a, *right = b;
  if (left->hash != right->hash) {
    return left->hash < right->hash ? -1 : 1;
  }
  return left->row < right->row ? -1 : left->row > right->row;
}

/* The place of the first entry that has no smaller hash. */
static int64_t lower_bound(const hashed_row *sorted, int64_t count, uint64_t hash) {
  int64_t from = 0, to = count;
  while (from < to) {
    const int64_t middle = from + (to - from) / 2;
    if (sorted[middle].hash < hash) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

ait_status ait_rows_find(const ait_matrix *among, const uint64_t *among_hashes, const ait_matrix *rows,
                         const uint64_t *hashes, int64_t *first) {
  const int64_t count = ait_matrix_rows(among);
  const size_t bytes = row_bytes(among);
  hashed_row *sorted = malloc((size_t)count * sizeof *sorted);
  if (sorted == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to look for equal rows among %lld", (long long)count);
  }
  for (int64_t i = 0; i < count; i++) {
    sorted[i] = (hashed_row){among_hashes[i], i};
  }
  qsort(sorted, (size_t)count, sizeof *sorted, compare);
  for (int64_t i = 0; i < ait_matrix_rows(rows); i++) {
    first[i] = -1;
    for (int64_t k = lower_bound(sorted, count, hashes[i]); k < count && sorted[k].hash == hashes[i] && first[i] < 0;
         k++) {
      first[i] = memcmp(row_data(among, sorted[k].row), row_data(rows, i), bytes) == 0 ? sorted[k].row : -1;
    }
  }
  free(sorted);
  return AIT_OK;
}
