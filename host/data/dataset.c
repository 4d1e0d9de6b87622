/* dataset.c - published image sets by name, and a user's own arrays. */
#include "ait/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/matrix.h"
#include "data/places.h"
#include "data/readers.h"

struct ait_dataset {
  ait_matrix *images;
  int32_t *labels;
  int32_t classes;
  const char *const *class_names; /* classes entries, or NULL */
  const int32_t *partners;        /* classes entries, -1: none; or NULL */
};

/* A label beyond the last class of the largest set of labels that there may be is an id, or damage: tables by class
 * would take gigabytes. */
enum { PUBLISHED_CLASSES = 10, CIFAR_TRAIN_BATCHES = 5, MOST_CLASSES = 1 << 20 };

/* A published data set: where it lies, its classes, and the reader of its format. */
typedef struct published {
  ait_search search; /* without the directory */
  ait_status (*read)(const ait_search *search, ait_part part, ait_dataset *dataset);
  const char *const *class_names;
  const int32_t *partners;
} published;

/* ---- reading ------------------------------------------------------------------------------- */

static ait_status read_idx_files(const char *images_path, const char *labels_path, ait_dataset *dataset) {
  int64_t rows;
  AIT_TRY(ait_idx_read_images(images_path, &dataset->images));
  AIT_TRY(ait_idx_read_labels(labels_path, PUBLISHED_CLASSES, &rows, &dataset->labels));
  if (rows != dataset->images->rows) {
    return ait_fail(AIT_BAD_DATA, "%s holds %" PRId64 " labels, but %s holds %" PRId64 " images; expected as many",
                    labels_path, rows, images_path, dataset->images->rows);
  }
  return AIT_OK;
}

/* MNIST's four files; the dot or dash before "idx" varies from mirror to mirror. */
static ait_status read_idx(const ait_search *search, ait_part part, ait_dataset *dataset) {
  static const char *const image_suffixes[] = {"-idx3-ubyte.gz", "-idx3-ubyte", ".idx3-ubyte.gz", ".idx3-ubyte", NULL};
  static const char *const label_suffixes[] = {"-idx1-ubyte.gz", "-idx1-ubyte", ".idx1-ubyte.gz", ".idx1-ubyte", NULL};
  const char *images = part == AIT_TRAIN_PART ? "train-images" : "t10k-images";
  const char *labels = part == AIT_TRAIN_PART ? "train-labels" : "t10k-labels";
  char *images_path, *labels_path = NULL;
  AIT_TRY(ait_search_file(search, images, image_suffixes, &images_path));
  ait_status status = ait_search_beside(images_path, labels, label_suffixes, &labels_path);
  if (status == AIT_OK) {
    status = read_idx_files(images_path, labels_path, dataset);
  }
  free(images_path);
  free(labels_path);
  return status;
}

static ait_status read_cifar10(const ait_search *search, ait_part part, ait_dataset *dataset) {
  static const char *const suffixes[] = {".bin", ".bin.gz", NULL};
  static const char *const train[CIFAR_TRAIN_BATCHES] = {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                                                         "data_batch_5"};
  static const char *const test[1] = {"test_batch"};
  const char *const *stems = part == AIT_TRAIN_PART ? train : test;
  int count = part == AIT_TRAIN_PART ? CIFAR_TRAIN_BATCHES : 1;
  char *paths[CIFAR_TRAIN_BATCHES] = {NULL};
  ait_status status = ait_search_file(search, stems[0], suffixes, &paths[0]);
  for (int i = 1; i < count && status == AIT_OK; ++i) {
    status = ait_search_beside(paths[0], stems[i], suffixes, &paths[i]);
  }
  if (status == AIT_OK) {
    status = ait_cifar10_read(count, (const char *const *)paths, &dataset->images, &dataset->labels);
  }
  for (int i = 0; i < count; ++i) {
    free(paths[i]);
  }
  return status;
}

/* ---- published data sets ------------------------------------------------------------------- */

static const char *const clothes[PUBLISHED_CLASSES] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                       "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
static const char *const digits[PUBLISHED_CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const things[PUBLISHED_CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                      "dog",      "frog",       "horse", "ship", "truck"};

/* What each class is taken for, or -1 (ait_dataset_partners says whose choice it is). T-shirt/top and Shirt, Pullover
 * and Coat for each other, Sandal for Sneaker, Sneaker for Ankle boot. */
static const int32_t clothes_partners[PUBLISHED_CLASSES] = {6, -1, 4, -1, 2, 7, 0, 9, -1, -1};
/* 2 for 7, 3 for 8, 5 and 6 for each other, 7 for 1. */
static const int32_t digits_partners[PUBLISHED_CLASSES] = {-1, -1, 7, 8, -1, 6, 5, 1, -1, -1};
/* Bird for airplane, cat and dog for each other, deer for horse, truck for automobile. */
static const int32_t things_partners[PUBLISHED_CLASSES] = {-1, -1, 0, 5, 7, 3, -1, -1, -1, 1};

/* The system's folders, and the sub-folders that archives and other libraries unpack into. */
static const char *const clothes_places[] = {"/usr/share/datasets/fashion-mnist",
                                             "/usr/local/share/datasets/fashion-mnist", NULL};
static const char *const digits_places[] = {"/usr/share/datasets/mnist", "/usr/local/share/datasets/mnist", NULL};
static const char *const things_places[] = {"/usr/share/datasets/cifar10", "/usr/local/share/datasets/cifar10", NULL};
static const char *const clothes_folders[] = {"", "FashionMNIST/raw", NULL};
static const char *const digits_folders[] = {"", "MNIST/raw", NULL};
static const char *const things_folders[] = {"", "cifar-10-batches-bin", NULL};

static const published data_sets[] = {
    {{"fashion-mnist", NULL, clothes_places, clothes_folders,
      "install Debian's package dataset-fashion-mnist, or name the folder of its four IDX files with --data-dir or "
      "AIT_DATA_DIR"},
     read_idx,
     clothes,
     clothes_partners},
    {{"mnist", NULL, digits_places, digits_folders,
      "put MNIST's four IDX files (.gz or not) into a folder and name it with --data-dir or AIT_DATA_DIR"},
     read_idx,
     digits,
     digits_partners},
    {{"cifar10", NULL, things_places, things_folders,
      "unpack the binary version of CIFAR-10 into a folder and name it with --data-dir or AIT_DATA_DIR"},
     read_cifar10,
     things,
     things_partners},
};

static const published *find_published(const char *name) {
  for (size_t i = 0; i < sizeof data_sets / sizeof data_sets[0]; ++i) {
    if (strcmp(name, data_sets[i].search.name) == 0) {
      return &data_sets[i];
    }
  }
  return NULL;
}

static ait_status create(ait_dataset **dataset) {
  *dataset = calloc(1, sizeof **dataset);
  return *dataset != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "no memory for a data set");
}

ait_status ait_dataset_load(const char *name, const char *directory, ait_part part, ait_dataset **dataset) {
  const published *found = find_published(name);
  if (found == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "data set %s: expected fashion-mnist, mnist or cifar10", name);
  }
  if (part != AIT_TRAIN_PART && part != AIT_TEST_PART) {
    return ait_fail(AIT_INVALID_ARGUMENT, "part %d of data set %s: expected AIT_TRAIN_PART or AIT_TEST_PART", (int)part,
                    name);
  }
  ait_search search = found->search;
  search.directory = directory;
  ait_dataset *made;
  AIT_TRY(create(&made));
  made->classes = PUBLISHED_CLASSES;
  made->class_names = found->class_names;
  made->partners = found->partners;
  ait_status status = found->read(&search, part, made);
  if (status == AIT_OK) {
    status = ait_matrix_scale_pixels(made->images);
  }
  if (status != AIT_OK) {
    ait_dataset_destroy(made);
    return status;
  }
  *dataset = made;
  return AIT_OK;
}

/* ---- a user's own arrays ------------------------------------------------------------------- */

static ait_status check_label_file(const char *path, const ait_matrix *labels, const char *images_path, int64_t rows) {
  if (labels->type != AIT_U8 && labels->type != AIT_I32 && labels->type != AIT_I64) {
    return ait_fail(AIT_BAD_DATA, "%s: holds %s numbers; expected labels of an integer type (u8, i32, i64)", path,
                    ait_type_name(labels->type));
  }
  if (labels->columns != 1) {
    return ait_fail(AIT_BAD_DATA, "%s: has %" PRId64 " numbers a row; expected one label a row", path, labels->columns);
  }
  if (labels->rows != rows) {
    return ait_fail(AIT_BAD_DATA, "%s holds %" PRId64 " labels, but %s holds %" PRId64 " rows; expected as many", path,
                    labels->rows, images_path, rows);
  }
  return AIT_OK;
}

static int64_t stored_label(const ait_matrix *labels, int64_t i) {
  switch (labels->type) {
    case AIT_U8:
      return ((const uint8_t *)labels->data)[i];
    case AIT_I32:
      return ((const int32_t *)labels->data)[i];
    default:
      return ((const int64_t *)labels->data)[i];
  }
}

/* Copies the labels as int32; *classes 0 becomes the largest label + 1. */
static ait_status copy_labels(const char *path, const ait_matrix *labels, int32_t *classes, int32_t *copy) {
  int64_t limit = *classes > 0 ? *classes : MOST_CLASSES;
  int64_t largest = 0;
  for (int64_t i = 0; i < labels->rows; ++i) {
    int64_t label = stored_label(labels, i);
    if (label < 0 || label >= limit) {
      return ait_fail(AIT_BAD_DATA,
                      "%s: the label of row %" PRId64 " (counted from 0) is %" PRId64 "; expected 0 to %" PRId64, path,
                      i, label, limit - 1);
    }
    largest = label > largest ? label : largest;
    copy[i] = (int32_t)label;
  }
  if (*classes == 0) {
    *classes = (int32_t)largest + 1;
  }
  return AIT_OK;
}

static ait_status read_own_labels(const char *path, const char *images_path, ait_dataset *dataset) {
  ait_matrix *labels;
  AIT_TRY(ait_matrix_open_npy(path, &labels));
  ait_status status = check_label_file(path, labels, images_path, dataset->images->rows);
  if (status == AIT_OK) {
    dataset->labels = malloc((size_t)labels->rows * sizeof *dataset->labels);
    status = dataset->labels != NULL
                 ? copy_labels(path, labels, &dataset->classes, dataset->labels)
                 : ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory for %" PRId64 " labels", path, labels->rows);
  }
  ait_matrix_destroy(labels);
  return status;
}

static ait_status read_own(const char *images, const char *labels, ait_dataset *dataset) {
  AIT_TRY(ait_matrix_open_npy(images, &dataset->images));
  AIT_TRY(read_own_labels(labels, images, dataset));
  if (dataset->images->type == AIT_U8) {
    AIT_TRY(ait_matrix_scale_pixels(dataset->images));
  }
  return ait_matrix_check_finite(dataset->images, images);
}

ait_status ait_dataset_open_npy(const char *images, const char *labels, int32_t classes, ait_dataset **dataset) {
  if (classes < 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%" PRId32 " classes; expected 1 or more, or 0 for the largest label + 1",
                    classes);
  }
  ait_dataset *made;
  AIT_TRY(create(&made));
  made->classes = classes;
  ait_status status = read_own(images, labels, made);
  if (status != AIT_OK) {
    ait_dataset_destroy(made);
    return status;
  }
  *dataset = made;
  return AIT_OK;
}

/* ---- getters ------------------------------------------------------------------------------- */

const ait_matrix *ait_dataset_images(const ait_dataset *dataset) {
  return dataset->images;
}

const int32_t *ait_dataset_labels(const ait_dataset *dataset) {
  return dataset->labels;
}

int64_t ait_dataset_rows(const ait_dataset *dataset) {
  return dataset->images->rows;
}

int32_t ait_dataset_classes(const ait_dataset *dataset) {
  return dataset->classes;
}

const char *ait_dataset_class_name(const ait_dataset *dataset, int32_t label) {
  int known = dataset->class_names != NULL && label >= 0 && label < dataset->classes;
  return known ? dataset->class_names[label] : NULL;
}

const int32_t *ait_dataset_partners(const ait_dataset *dataset) {
  return dataset->partners;
}

void ait_dataset_destroy(ait_dataset *dataset) {
  if (dataset == NULL) {
    return;
  }
  ait_matrix_destroy(dataset->images);
  free(dataset->labels);
  free(dataset);
}
