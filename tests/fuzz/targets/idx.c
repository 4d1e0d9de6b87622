/* idx.c - IDX files, as images and as labels. */
#include <stdlib.h>

#include "ait/matrix.h"
#include "data/readers.h"
#include "files.h"
#include "targets.h"

enum { CLASSES = 10 };

static void read_images(const char *path) {
  ait_matrix *images;
  if (!fuzz_succeeded(ait_idx_read_images(path, &images))) {
    return;
  }
  const int64_t rows = ait_matrix_rows(images), columns = ait_matrix_columns(images);
  FUZZ_EXPECT(rows > 0 && columns > 0);
  FUZZ_EXPECT(ait_matrix_value(images, rows - 1, columns - 1) <= 255);
  ait_matrix_destroy(images);
}

static void read_labels(const char *path) {
  int64_t rows;
  int32_t *labels;
  if (!fuzz_succeeded(ait_idx_read_labels(path, CLASSES, &rows, &labels))) {
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    FUZZ_EXPECT(labels[i] >= 0 && labels[i] < CLASSES);
  }
  free(labels);
}

int fuzz_idx(const uint8_t *data, size_t size) {
  const char *path = fuzz_file(0, (fuzz_part){data, size});
  read_images(path);
  read_labels(path);
  return 0;
}
