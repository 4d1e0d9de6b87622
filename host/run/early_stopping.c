/* early_stopping.c - a run of weights that ends when validation rows held out of F say so. */
#include "run/early_stopping.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/allocate.h"
#include "run/checkpoint.h"

ait_status ait_early_begin(ait_context *context, const ait_network *network, const ait_clean_settings *settings,
                           const ait_clean_data *data, ait_early_stopping *early) {
  const ait_aside *aside = &data->aside;
  *early = (ait_early_stopping){.rows = aside, .classes = data->classes, .patience = settings->patience};
  if (aside->held_out == 0) {
    return AIT_OK;
  }
  early->n = ait_clean_data_learned(data);
  AIT_TRY(ait_allocate(aside->held_out * data->classes, sizeof *early->probabilities, &early->probabilities));
  AIT_TRY(ait_allocate(early->n, sizeof *early->gradient_sum, &early->gradient_sum));
  return ait_predictor_create(context, network, aside->held_out_rows, &early->predictor);
}

void ait_early_end(ait_early_stopping *early) {
  ait_predictor_destroy(early->predictor);
  free(early->probabilities);
  free(early->gradient_sum);
  free(early->state);
  *early = (ait_early_stopping){.patience = 0};
}

/* ---- evaluations ------------------------------------------------------------------------------- */

/* A probability that has rounded to 0 counts as the least number of a float. */
ait_status ait_early_loss(const ait_early_stopping *early, const ait_real *y, double *loss) {
  const ait_aside *rows = early->rows;
  AIT_TRY(ait_predictor_probabilities(early->predictor, y, early->probabilities));
  double sum = 0;
  for (int64_t j = 0; j < rows->held_out; j++) {
    sum -= log(fmax((double)early->probabilities[j * early->classes + rows->held_out_labels[j]], FLT_MIN));
  }
  *loss = sum / (double)rows->held_out;
  return AIT_OK;
}

static ait_status make_room(ait_early_stopping *early, size_t state_bytes) {
  if (early->state == NULL) {
    AIT_TRY(ait_allocate((int64_t)state_bytes, 1, &early->state));
    early->state_bytes = state_bytes;
  }
  return AIT_OK;
}

ait_status ait_early_count(ait_early_stopping *early, int64_t iteration, double loss, size_t state_bytes,
                           int32_t *is_best) {
  *is_best = early->iteration == 0 || loss < early->loss;
  if (!*is_best) {
    early->in_vain++;
    return AIT_OK;
  }
  early->in_vain = 0;
  early->iteration = iteration;
  early->loss = loss;
  return make_room(early, state_bytes);
}

int32_t ait_early_is_over(const ait_early_stopping *early) {
  return early->predictor != NULL && early->in_vain >= early->patience;
}

/* ---- checkpoints ------------------------------------------------------------------------------- */

void ait_early_put(const ait_early_stopping *early, ait_writer *writer) {
  if (early->predictor == NULL) {
    return;
  }
  ait_put_whole(writer, early->in_vain);
  ait_put_whole(writer, early->iteration);
  ait_put_number(writer, early->loss);
  if (early->iteration > 0) {
    ait_put_numbers(writer, early->n, early->gradient_sum);
    ait_put_bytes(writer, early->state_bytes, early->state);
  }
}

ait_status ait_early_take(ait_early_stopping *early, size_t state_bytes, ait_reader *reader) {
  if (early->predictor == NULL) {
    return AIT_OK;
  }
  early->in_vain = ait_take_whole(reader);
  early->iteration = ait_take_whole(reader);
  early->loss = ait_take_number(reader);
  if (early->iteration <= 0) {
    return AIT_OK;
  }
  AIT_TRY(make_room(early, state_bytes));
  ait_take_numbers(reader, early->n, early->gradient_sum);
  const unsigned char *state = ait_take_bytes(reader, state_bytes);
  if (state == NULL) {
    return ait_checkpoint_misfit(reader);
  }
  memcpy(early->state, state, state_bytes);
  return AIT_OK;
}
