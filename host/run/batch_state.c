/* batch_state.c - what of a batch of runs goes into a checkpoint and comes out again. */
#include "run/batch_state.h"

#include <stdlib.h>
#include <string.h>

#include "context/context.h"
#include "context/error.h"

enum { ROW_NUMBERS = 11 };

/* ---- out --------------------------------------------------------------------------------------- */

static void put_history(const ait_history *history, ait_writer *writer) {
  ait_put_whole(writer, history->count);
  for (int64_t i = 0; i < history->count; i++) {
    const ait_history_row *row = &history->rows[i];
    const double numbers[ROW_NUMBERS] = {(double)row->t, row->seconds, row->figure_seconds, row->F_kbar,
                                         row->F_K,       row->kbar,    row->accuracy_y,     row->accuracy_z,
                                         row->f1,        row->auroc,   row->held_out_loss};
    ait_put_numbers(writer, ROW_NUMBERS, numbers);
  }
}

static ait_status put_gradient_sum(const ait_batch *b, ait_writer *writer) {
  ait_device *device = &b->context->device;
  const int64_t count = b->count * b->n;
  void *room = ait_put_room(writer, (size_t)count * sizeof *b->gradient_sum);
  if (room == NULL) {
    return AIT_OK;
  }
  AIT_TRY(device->runtime->copy_out(device, (size_t)count * sizeof *b->gradient_sum, b->gradient_sum, room));
  AIT_TRY(device->runtime->synchronize(device));
  ait_turn_numbers(count, room);
  return AIT_OK;
}

static ait_status put_solver(const ait_batch *b, ait_writer *writer) {
  const size_t bytes = ait_solver_state_size(b->solver);
  ait_put_whole(writer, (int64_t)bytes);
  void *room = ait_put_room(writer, bytes);
  return room == NULL ? AIT_OK : ait_solver_get_state(b->solver, room);
}

ait_status ait_batch_put(void *batch, ait_writer *writer) {
  const ait_batch *b = batch;
  ait_put_whole(writer, b->all_count);
  for (int64_t i = 0; i < b->all_count; i++) {
    ait_put_text(writer, b->all[i].failure);
  }
  ait_put_whole(writer, b->settings->ll_steps);
  ait_put_number(writer, ait_run_clock() - b->began);
  ait_put_number(writer, b->figure_seconds);
  for (int64_t i = 0; i < b->count; i++) {
    ait_put_whole(writer, b->runs[i]->iterations);
    ait_put_wholes(writer, b->settings->ll_steps + 1, b->runs[i]->kbar_counts);
    put_history(&b->runs[i]->history, writer);
    ait_early_put(&b->runs[i]->early, writer);
  }
  AIT_TRY(put_gradient_sum(b, writer));
  return put_solver(b, writer);
}

/* ---- in ---------------------------------------------------------------------------------------- */

ait_status ait_batch_take_failures(ait_reader *reader, int64_t count, ait_run *runs) {
  if (ait_take_whole(reader) != count) {
    return ait_checkpoint_misfit(reader);
  }
  for (int64_t i = 0; i < count; i++) {
    char *failure = ait_take_text(reader);
    if (failure == NULL) {
      return ait_checkpoint_misfit(reader);
    }
    snprintf(runs[i].failure, sizeof runs[i].failure, "%s", failure);
    free(failure);
  }
  return AIT_OK;
}

static ait_status take_history(const ait_batch *b, ait_reader *reader, ait_history *history) {
  const int64_t count = ait_take_count(reader, ROW_NUMBERS * sizeof(double));
  for (int64_t i = 0; i < count; i++) {
    double numbers[ROW_NUMBERS];
    ait_take_numbers(reader, ROW_NUMBERS, numbers);
    if (numbers[0] != (double)(i + 1) || !(numbers[5] >= 0 && numbers[5] <= (double)b->settings->ll_steps)) {
      return ait_checkpoint_misfit(reader);
    }
    const ait_history_row row = {.t = (int64_t)numbers[0],
                                 .seconds = numbers[1],
                                 .figure_seconds = numbers[2],
                                 .F_kbar = numbers[3],
                                 .F_K = numbers[4],
                                 .kbar = (int32_t)numbers[5],
                                 .accuracy_y = numbers[6],
                                 .accuracy_z = numbers[7],
                                 .f1 = numbers[8],
                                 .auroc = numbers[9],
                                 .held_out_loss = numbers[10]};
    AIT_TRY(ait_history_append(history, &row));
  }
  return AIT_OK;
}

static ait_status take_run(const ait_batch *b, ait_reader *reader, ait_run *run) {
  run->iterations = ait_take_whole(reader);
  ait_take_wholes(reader, b->settings->ll_steps + 1, run->kbar_counts);
  AIT_TRY(take_history(b, reader, &run->history));
  AIT_TRY(ait_early_take(&run->early, ait_solver_state_size(b->solver), reader));
  run->figure_seconds = b->figure_seconds;
  const int32_t fits = run->iterations == run->history.count && run->iterations <= b->settings->iterations &&
                       run->early.iteration >= 0 && run->early.iteration <= run->iterations;
  return fits ? AIT_OK : ait_checkpoint_misfit(reader);
}

static ait_status take_gradient_sum(const ait_batch *b, ait_reader *reader) {
  ait_device *device = &b->context->device;
  const int64_t count = b->count * b->n;
  double few[4096];
  for (int64_t done = 0; done < count && !reader->failed;) {
    const int64_t part = count - done < 4096 ? count - done : 4096;
    ait_take_numbers(reader, part, few);
    AIT_TRY(device->runtime->copy_in(device, (size_t)part * sizeof *few, few, b->gradient_sum + done));
    done += part;
  }
  return AIT_OK;
}

ait_status ait_batch_take(ait_batch *b, ait_reader *reader) {
  if (ait_take_whole(reader) != b->settings->ll_steps) {
    return ait_checkpoint_misfit(reader);
  }
  b->began = ait_run_clock() - ait_take_number(reader);
  b->figure_seconds = ait_take_number(reader);
  for (int64_t i = 0; i < b->count; i++) {
    AIT_TRY(take_run(b, reader, b->runs[i]));
  }
  AIT_TRY(take_gradient_sum(b, reader));
  const int64_t bytes = ait_take_count(reader, 1);
  const unsigned char *state = ait_take_bytes(reader, (size_t)bytes);
  return state == NULL ? ait_checkpoint_misfit(reader) : ait_solver_set_state(b->solver, (size_t)bytes, state);
}
