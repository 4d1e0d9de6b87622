/* dataset.h - published image sets and a user's own arrays, split and corrupted by seed. */
#ifndef AIT_DATASET_H
#define AIT_DATASET_H

#include "ait/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_dataset ait_dataset;

typedef enum ait_part { AIT_TRAIN_PART, AIT_TEST_PART } ait_part;

/* Loads one part of a published data set in its published binary format (.gz too):
 * "fashion-mnist" and "mnist" (IDX), "cifar10" (binary batches). Looks in `directory` where given,
 * else in $AIT_DATA_DIR/NAME, $AIT_DATA_DIR, and the usual places of the system (Debian's package
 * dataset-fashion-mnist among them). Pixels are u8 with scale 1/255.
 * Errors: AIT_NOT_FOUND (the sentence lists every place looked at and how to get the data),
 * AIT_BAD_DATA, AIT_IO_ERROR, AIT_INVALID_ARGUMENT (unknown name), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_dataset_load(const char *name, const char *directory, ait_part part, ait_dataset **dataset);

/* Opens a user's own arrays: `images` an .npy file (memory-mapped; N x anything, u8 pixels get scale
 * 1/255), `labels` an .npy file of N integers in 0 .. classes - 1; `classes` 0 means the largest
 * label + 1, at most 2^20. Checks lengths, label range and, for float data, that every value is finite.
 * Errors: as above; the sentence names the file and the row. */
AIT_API ait_status ait_dataset_open_npy(const char *images, const char *labels, int32_t classes, ait_dataset **dataset);

AIT_API const ait_matrix *ait_dataset_images(const ait_dataset *dataset); /* N x D, owned by the data set */
AIT_API const int32_t *ait_dataset_labels(const ait_dataset *dataset);    /* N, owned by the data set */
AIT_API int64_t ait_dataset_rows(const ait_dataset *dataset);
AIT_API int32_t ait_dataset_classes(const ait_dataset *dataset);
/* The class's published name, or NULL where there is none. */
AIT_API const char *ait_dataset_class_name(const ait_dataset *dataset, int32_t label);
/* The class that people take each class for: `classes` entries, owned by the data set, -1 where a class is rarely
 * mistaken; NULL for a user's own arrays. MNIST's and CIFAR-10's are those of Patrini, Rozza, Menon, Nock and Qu,
 * "Making Deep Neural Networks Robust to Label Noise: a Loss Correction Approach" (CVPR 2017), Fashion-MNIST's are
 * ours. */
AIT_API const int32_t *ait_dataset_partners(const ait_dataset *dataset);
AIT_API void ait_dataset_destroy(ait_dataset *dataset); /* NULL is allowed */

/* Draws disjoint random subsets of 0 .. rows - 1 without replacement: the first sizes[0] entries of
 * `indices`, then sizes[1], ... (`count` subsets; indices holds their sum). The same seed gives the
 * same subsets on every device. Errors: AIT_INVALID_ARGUMENT (they do not fit into rows). */
AIT_API ait_status ait_split(uint64_t seed, int64_t rows, int32_t count, const int64_t *sizes, int64_t *indices);

/* How a wrong label is drawn. */
typedef enum ait_noise_model {
  AIT_NOISE_SYMMETRIC,  /* uniformly over the other classes: a redrawn label always differs */
  AIT_NOISE_PAPER,      /* uniformly over all classes, as the authors' script does: a tenth stays right */
  AIT_NOISE_PAIR,       /* class c becomes c + 1 modulo classes */
  AIT_NOISE_ASYMMETRIC, /* a class becomes the one that people take it for; some classes have none and stay right */
  AIT_NOISE_FEATURE,    /* a row becomes the class whose mean is nearest, above all where that is nearer than its own */
  AIT_NOISE_MODEL_COUNT
} ait_noise_model;

/* "symmetric", "paper", "pair", "asymmetric", "feature"; and back (AIT_INVALID_ARGUMENT for another word). */
AIT_API const char *ait_noise_model_name(ait_noise_model model);
AIT_API ait_status ait_noise_model_by_name(const char *name, ait_noise_model *model);

/* Redraws round(rate * count) labels in place, at rows drawn without replacement. `redrawn` (count
 * bytes) becomes 1 where a label was redrawn, else 0. For the models symmetric, paper and pair.
 * Errors: AIT_INVALID_ARGUMENT (rate outside 0..1, classes < 2, a label outside 0 .. classes - 1, another model). */
AIT_API ait_status ait_corrupt_labels(uint64_t seed, ait_noise_model model, double rate, int32_t classes, int64_t count,
                                      int32_t *labels, uint8_t *redrawn);

/* Asymmetric noise: of the n_c rows of each class c with a partner, round(rate * n_c), drawn without replacement, get
 * the label partners[c]. `partners` (classes entries) holds -1 where a class has none: its rows stay right, so that
 * fewer than rate * count labels may become wrong.
 * Errors: as above; AIT_INVALID_ARGUMENT too where `partners` is NULL or one of them is no other class. */
AIT_API ait_status ait_corrupt_labels_asymmetric(uint64_t seed, double rate, int32_t classes, const int32_t *partners,
                                                 int64_t count, int32_t *labels, uint8_t *redrawn);

/* Feature-dependent noise: round(rate * N) rows get the label of the other class whose mean is nearest to them, the
 * rows drawn without replacement by weights that grow with the distance to the mean of their own class, relative to
 * that of the other (docs/derivation.md#wrong-labels). `features` is N x D, labels and redrawn have N entries; means
 * are those of the rows and labels given. A pure function of the arguments.
 * Errors: as above; AIT_BAD_DATA (a value that is not finite, a distance that overflows, rows of one class alone),
 * AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_corrupt_labels_feature(uint64_t seed, double rate, int32_t classes, const ait_matrix *features,
                                              int32_t *labels, uint8_t *redrawn);

#ifdef __cplusplus
}
#endif
#endif
