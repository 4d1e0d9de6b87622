/* predictor.c - what a network predicts for rows that stay on the device. */
#include <stdlib.h>
#include <string.h>

#include "context/context.h"
#include "context/error.h"
#include "problems/network.h"

struct ait_predictor {
  ait_device *device;
  ait_shape shape;
  ait_rows rows;
  int64_t chunk;    /* rows taken at once */
  ait_real *y;      /* device: m */
  ait_real *logits; /* device: chunk x classes */
  int32_t *labels;  /* device: chunk */
  int64_t *correct; /* device: 1 */
  void *workspace;  /* device */
};

/* Allocates `bytes` and stores their address in the pointer that `pointer` points to, of any type. */
static ait_status allocate(ait_device *device, size_t bytes, void *pointer) {
  void *memory;
  AIT_TRY(device->runtime->allocate(device, bytes, &memory));
  memcpy(pointer, &memory, sizeof memory);
  return AIT_OK;
}

static ait_status fill_predictor(ait_predictor *predictor, const ait_matrix *rows) {
  ait_device *device = predictor->device;
  const int64_t count = ait_matrix_rows(rows);
  AIT_TRY(device->model->upload_rows(device, rows, AIT_READ_ONCE, &predictor->rows));
  predictor->chunk = count < device->model->row_chunk ? count : device->model->row_chunk;
  const size_t chunk = (size_t)predictor->chunk, classes = (size_t)ait_shape_classes(&predictor->shape);
  AIT_TRY(allocate(device, (size_t)predictor->shape.parameters * sizeof(ait_real), &predictor->y));
  AIT_TRY(allocate(device, chunk * classes * sizeof(ait_real), &predictor->logits));
  AIT_TRY(allocate(device, chunk * sizeof(int32_t), &predictor->labels));
  AIT_TRY(allocate(device, sizeof(int64_t), &predictor->correct));
  return allocate(device, ait_network_workspace(device, &predictor->shape, &predictor->rows, 0), &predictor->workspace);
}

ait_status ait_predictor_create(ait_context *context, const ait_network *network, const ait_matrix *rows,
                                ait_predictor **predictor) {
  ait_predictor *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a predictor");
  }
  made->device = &context->device;
  ait_status status = ait_shape_of(network, &made->shape);
  if (status == AIT_OK && ait_matrix_rows(rows) < 1) {
    status = ait_fail(AIT_INVALID_ARGUMENT, "there are no rows to predict; expected 1 or more");
  }
  if (status == AIT_OK && ait_matrix_columns(rows) != ait_shape_features(&made->shape)) {
    status = ait_fail(AIT_INVALID_ARGUMENT, "the rows to predict have %lld features; the network expects %lld",
                      (long long)ait_matrix_columns(rows), (long long)ait_shape_features(&made->shape));
  }
  if (status == AIT_OK) {
    status = fill_predictor(made, rows);
  }
  if (status != AIT_OK) {
    ait_predictor_destroy(made);
    return status;
  }
  *predictor = made;
  return AIT_OK;
}

void ait_predictor_destroy(ait_predictor *predictor) {
  if (predictor == NULL) {
    return;
  }
  ait_device *device = predictor->device;
  if (predictor->rows.data != NULL) {
    device->model->release_rows(device, &predictor->rows);
  }
  device->runtime->release(device, predictor->y);
  device->runtime->release(device, predictor->logits);
  device->runtime->release(device, predictor->labels);
  device->runtime->release(device, predictor->correct);
  device->runtime->release(device, predictor->workspace);
  free(predictor);
}

static ait_status upload_parameters(ait_predictor *predictor, const ait_real *y) {
  return predictor->device->runtime->copy_in(predictor->device, (size_t)predictor->shape.parameters * sizeof *y, y,
                                             predictor->y);
}

/* The logits of the chunk that begins at row `first`; *count rows. */
static ait_status chunk_logits(ait_predictor *predictor, int64_t first, int64_t *count) {
  const int64_t left = predictor->rows.rows - first;
  *count = left < predictor->chunk ? left : predictor->chunk;
  return ait_network_logits(predictor->device, &predictor->shape, &predictor->rows, first, *count, predictor->y,
                            predictor->logits, predictor->workspace);
}

ait_status ait_predictor_probabilities(ait_predictor *predictor, const ait_real *y, ait_real *probabilities) {
  ait_device *device = predictor->device;
  const int64_t classes = ait_shape_classes(&predictor->shape);
  AIT_TRY(upload_parameters(predictor, y));
  for (int64_t first = 0; first < predictor->rows.rows; first += predictor->chunk) {
    int64_t count;
    AIT_TRY(chunk_logits(predictor, first, &count));
    AIT_TRY(device->model->softmax(device, count, classes, predictor->logits));
    AIT_TRY(device->runtime->copy_out(device, (size_t)(count * classes) * sizeof *probabilities, predictor->logits,
                                      probabilities + first * classes));
    AIT_TRY(device->runtime->synchronize(device));
  }
  return AIT_OK;
}

ait_status ait_predictor_accuracy(ait_predictor *predictor, const ait_real *y, const int32_t *labels,
                                  double *accuracy) {
  ait_device *device = predictor->device;
  int64_t correct = 0;
  AIT_TRY(upload_parameters(predictor, y));
  for (int64_t first = 0; first < predictor->rows.rows; first += predictor->chunk) {
    int64_t count, found = 0;
    AIT_TRY(chunk_logits(predictor, first, &count));
    AIT_TRY(device->runtime->copy_in(device, (size_t)count * sizeof *labels, labels + first, predictor->labels));
    AIT_TRY(device->model->count_correct(device, count, ait_shape_classes(&predictor->shape), predictor->logits,
                                         predictor->labels, predictor->correct));
    AIT_TRY(device->runtime->copy_out(device, sizeof found, predictor->correct, &found));
    AIT_TRY(device->runtime->synchronize(device));
    correct += found;
  }
  *accuracy = (double)correct / (double)predictor->rows.rows;
  return AIT_OK;
}
