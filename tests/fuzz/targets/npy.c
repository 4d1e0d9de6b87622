/* npy.c - NumPy files: what is accepted can be read to its last number, and comes back the same once written. */
#include <string.h>

#include "ait/matrix.h"
#include "files.h"
#include "targets.h"

static void expect_equal(const ait_matrix *a, const ait_matrix *b) {
  FUZZ_EXPECT(ait_matrix_type(a) == ait_matrix_type(b));
  FUZZ_EXPECT(ait_matrix_rows(a) == ait_matrix_rows(b));
  FUZZ_EXPECT(ait_matrix_columns(a) == ait_matrix_columns(b));
  const size_t count = (size_t)(ait_matrix_rows(a) * ait_matrix_columns(a));
  FUZZ_EXPECT(memcmp(ait_matrix_data(a), ait_matrix_data(b), count * ait_type_size(ait_matrix_type(a))) == 0);
}

static void write_and_read(const ait_matrix *matrix, int32_t flat) {
  ait_matrix *copy;
  FUZZ_EXPECT(ait_matrix_write_npy(matrix, flat, fuzz_path("copy.npy")) == AIT_OK);
  FUZZ_EXPECT(ait_matrix_open_npy(fuzz_path("copy.npy"), &copy) == AIT_OK);
  expect_equal(matrix, copy);
  ait_matrix_destroy(copy);
}

static void gather_ends(const ait_matrix *matrix) {
  const int64_t rows[] = {ait_matrix_rows(matrix) - 1, 0, ait_matrix_rows(matrix) - 1};
  ait_matrix *gathered;
  FUZZ_EXPECT(ait_matrix_gather(matrix, 3, rows, &gathered) == AIT_OK);
  ait_matrix_destroy(gathered);
}

int fuzz_npy(const uint8_t *data, size_t size) {
  ait_matrix *matrix;
  if (!fuzz_succeeded(ait_matrix_open_npy(fuzz_file(0, (fuzz_part){data, size}), &matrix))) {
    return 0;
  }
  fuzz_succeeded(ait_matrix_check_finite(matrix, "the matrix"));
  gather_ends(matrix);
  write_and_read(matrix, size % 2 == 0);
  ait_matrix_destroy(matrix);
  return 0;
}
