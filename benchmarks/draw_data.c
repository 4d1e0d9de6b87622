/* draw_data.c - writes the rows that `ait clean --dataset fashion-mnist --seed S` takes, as .npy files.
 *
 * Usage: bench_draw_data FOLDER TRAIN VALIDATION SEED
 * Files in FOLDER: train.npy, validation.npy, test.npy (u8, rows x 784) and train_labels.npy (half of them
 * redrawn), true_labels.npy, validation_labels.npy, test_labels.npy (i32). */
#include <ait/ait.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double noise_rate = 0.5;

static ait_status write_vector(const char *folder, const char *name, ait_type type, int64_t count, const void *data) {
  char path[4096];
  ait_matrix *view = NULL;
  snprintf(path, sizeof path, "%s/%s.npy", folder, name);
  ait_status status = ait_matrix_view(type, count, 1, 1, data, &view);
  status = status != AIT_OK ? status : ait_matrix_write_npy(view, 1, path);
  ait_matrix_destroy(view);
  return status;
}

/* The named rows of a data set as NAME.npy; their labels stay in `labels` (count entries). */
static ait_status write_rows(const char *folder, const char *name, const ait_dataset *source, int64_t count,
                             const int64_t *rows, int32_t *labels) {
  char path[4096];
  ait_matrix *part = NULL;
  snprintf(path, sizeof path, "%s/%s.npy", folder, name);
  for (int64_t i = 0; i < count; i++) {
    labels[i] = ait_dataset_labels(source)[rows[i]];
  }
  ait_status status = ait_matrix_gather(ait_dataset_images(source), count, rows, &part);
  status = status != AIT_OK ? status : ait_matrix_write_npy(part, 0, path);
  ait_matrix_destroy(part);
  return status;
}

typedef struct drawing {
  const char *folder;
  int64_t train, validation;
  uint64_t seed;
  int64_t *rows;   /* train + validation entries, or all test rows */
  int32_t *labels; /* of the part in hand */
  uint8_t *redrawn;
} drawing;

static ait_status draw_train(const drawing *d, const ait_dataset *source) {
  ait_status status = write_rows(d->folder, "train", source, d->train, d->rows, d->labels);
  status = status != AIT_OK ? status : write_vector(d->folder, "true_labels", AIT_I32, d->train, d->labels);
  status = status != AIT_OK ? status
                            : ait_corrupt_labels(d->seed, AIT_NOISE_SYMMETRIC, noise_rate, ait_dataset_classes(source),
                                                 d->train, d->labels, d->redrawn);
  return status != AIT_OK ? status : write_vector(d->folder, "train_labels", AIT_I32, d->train, d->labels);
}

static ait_status draw_validation(const drawing *d, const ait_dataset *source) {
  ait_status status = write_rows(d->folder, "validation", source, d->validation, d->rows + d->train, d->labels);
  return status != AIT_OK ? status : write_vector(d->folder, "validation_labels", AIT_I32, d->validation, d->labels);
}

static ait_status draw_published(drawing *d, const ait_dataset *source) {
  const int64_t sizes[] = {d->train, d->validation, 0};
  ait_status status = ait_split(d->seed, ait_dataset_rows(source), 3, sizes, d->rows);
  status = status != AIT_OK ? status : draw_train(d, source);
  return status != AIT_OK ? status : draw_validation(d, source);
}

static ait_status draw_test(drawing *d, const ait_dataset *source) {
  int64_t count = ait_dataset_rows(source);
  for (int64_t i = 0; i < count; i++) {
    d->rows[i] = i;
  }
  ait_status status = write_rows(d->folder, "test", source, count, d->rows, d->labels);
  return status != AIT_OK ? status : write_vector(d->folder, "test_labels", AIT_I32, count, d->labels);
}

static ait_status draw(drawing *d) {
  ait_dataset *source = NULL, *test = NULL;
  ait_status status = ait_dataset_load("fashion-mnist", NULL, AIT_TRAIN_PART, &source);
  status = status != AIT_OK ? status : ait_dataset_load("fashion-mnist", NULL, AIT_TEST_PART, &test);
  status = status != AIT_OK ? status : draw_published(d, source);
  status = status != AIT_OK ? status : draw_test(d, test);
  ait_dataset_destroy(test);
  ait_dataset_destroy(source);
  return status;
}

/* Nonzero where `text` is a whole number of digits alone that fits; otherwise says so. */
static int read_number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *value) {
  char *end = NULL;
  errno = 0;
  *value = strtoull(text, &end, 10);
  if (isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *value >= least && *value <= most) {
    return 1;
  }
  fprintf(stderr, "bench_draw_data: %s is '%s'; expected a whole number, %llu to %llu\n", name, text,
          (unsigned long long)least, (unsigned long long)most);
  return 0;
}

int main(int argc, char **argv) {
  enum { LARGEST_PART = 60000 };
  static int64_t rows[LARGEST_PART];
  static int32_t labels[LARGEST_PART];
  static uint8_t redrawn[LARGEST_PART];
  if (argc != 5) {
    fprintf(stderr, "Usage: bench_draw_data FOLDER TRAIN VALIDATION SEED\n");
    return 2;
  }
  uint64_t train = 0, validation = 0, seed = 0;
  if (!read_number("TRAIN", argv[2], 1, LARGEST_PART - 1, &train) ||
      !read_number("VALIDATION", argv[3], 1, LARGEST_PART - train, &validation) ||
      !read_number("SEED", argv[4], 0, UINT64_MAX, &seed)) {
    return 2;
  }
  drawing d = {.folder = argv[1],
               .train = (int64_t)train,
               .validation = (int64_t)validation,
               .seed = seed,
               .rows = rows,
               .labels = labels,
               .redrawn = redrawn};
  if (draw(&d) != AIT_OK) {
    fprintf(stderr, "bench_draw_data: %s\n", ait_last_error());
    return 1;
  }
  return 0;
}
