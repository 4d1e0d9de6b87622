/* cifar.c - two of CIFAR-10's batches. */
#include <stdlib.h>

#include "ait/matrix.h"
#include "data/readers.h"
#include "files.h"
#include "targets.h"

enum { CLASSES = 10, PIXELS = 3072 };

int fuzz_cifar(const uint8_t *data, size_t size) {
  fuzz_part input = {data, size};
  const fuzz_part first = fuzz_take(&input);
  const char *const paths[] = {fuzz_file(0, first), fuzz_file(1, input)};
  ait_matrix *images;
  int32_t *labels;
  if (!fuzz_succeeded(ait_cifar10_read(input.size > 0 ? 2 : 1, paths, &images, &labels))) {
    return 0;
  }
  const int64_t rows = ait_matrix_rows(images);
  FUZZ_EXPECT(rows > 0 && ait_matrix_columns(images) == PIXELS);
  for (int64_t i = 0; i < rows; i++) {
    FUZZ_EXPECT(labels[i] >= 0 && labels[i] < CLASSES);
  }
  free(labels);
  ait_matrix_destroy(images);
  return 0;
}
