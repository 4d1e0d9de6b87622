/* transition_state.c - what of runs of transition cleaning goes into a checkpoint and comes out again.
 *
 * There is no number a row among it: what the classifiers say of rows is asked anew. So scores and figures of a run
 * whose steps are all made are made once more, from the same classifiers, which the last solution leaves as they were.
 */
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/bytes.h"
#include "run/progress.h"
#include "run/run.h"
#include "run/transition_parts.h"

/* ---- a run ------------------------------------------------------------------------------------- */

/* Takes numbers to a checkpoint, or from it: one of both is NULL. */
typedef struct carrier {
  ait_writer *writer;
  ait_reader *reader;
} carrier;

static void carry_wholes(const carrier *to, int64_t count, int64_t *values) {
  if (to->writer != NULL) {
    ait_put_wholes(to->writer, count, values);
  } else {
    ait_take_wholes(to->reader, count, values);
  }
}

static void carry_numbers(const carrier *to, int64_t count, double *values) {
  if (to->writer != NULL) {
    ait_put_numbers(to->writer, count, values);
  } else {
    ait_take_numbers(to->reader, count, values);
  }
}

static void carry_reals(const carrier *to, int64_t count, ait_real *values) {
  const size_t bytes = (size_t)count * sizeof *values;
  void *room = to->writer != NULL ? ait_put_room(to->writer, bytes) : values;
  const void *from = to->writer != NULL ? values : (const void *)ait_take_bytes(to->reader, bytes);
  if (room != NULL && from != NULL) {
    memcpy(room, from, bytes);
    ait_turn_reals(count, room);
  }
}

static void carry_arm(const carrier *to, const ait_transition_run *run, ait_transition_arm *arm) {
  const int64_t classes = run->data->classes;
  carry_reals(to, 2, arm->x);
  carry_reals(to, AIT_TRANSITION_FOLDS * run->m, arm->y);
  carry_numbers(to, classes * classes, arm->chances);
  carry_numbers(to, 1, &arm->before);
  carry_wholes(to, 1, &arm->iterations);
  carry_wholes(to, 1, &arm->points);
  carry_numbers(to, (int64_t)AIT_TRANSITION_MOST_POINTS * AIT_POINT_NUMBERS, arm->path[0]);
}

/* What steps read of the steps before them; of the mean arm they read nothing. */
static void carry_run(const carrier *to, ait_transition_run *run) {
  int64_t likelier = run->likelier;
  carry_wholes(to, 1, &run->steps);
  carry_numbers(to, 1, &run->seconds);
  carry_numbers(to, AIT_TRANSITION_LAMBDAS, run->validation_losses);
  carry_numbers(to, 1, &run->clean_rate);
  carry_numbers(to, 1, &run->z);
  carry_numbers(to, 1, &run->held_out_z);
  carry_wholes(to, 1, &likelier);
  carry_wholes(to, 1, &run->curved);
  carry_reals(to, AIT_TRANSITION_FOLDS * run->m, run->alone);
  for (int32_t kind = 0; kind < AIT_ARM_MEAN; kind++) {
    carry_arm(to, run, &run->arms[kind]);
  }
  run->likelier = likelier == AIT_ARM_FULL ? AIT_ARM_FULL : AIT_ARM_SYMMETRIC;
}

static ait_status put_run(ait_transition_run *run, ait_writer *writer) {
  const carrier to = {.writer = writer};
  const size_t bytes = run->solver != NULL ? ait_solver_state_size(run->solver) : 0;
  carry_run(&to, run);
  ait_put_whole(writer, (int64_t)bytes);
  void *room = ait_put_room(writer, bytes);
  return room != NULL && bytes > 0 ? ait_solver_get_state(run->solver, room) : AIT_OK;
}

static ait_status take_solver(ait_transition_run *run, ait_reader *reader) {
  const size_t bytes = (size_t)ait_take_count(reader, 1);
  const unsigned char *state = ait_take_bytes(reader, bytes);
  if (state == NULL || bytes == 0) {
    return state == NULL ? ait_checkpoint_misfit(NULL) : AIT_OK;
  }
  run->solver_state = malloc(bytes);
  if (run->solver_state == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the state of a solver of %zu bytes", bytes);
  }
  memcpy(run->solver_state, state, bytes);
  run->solver_bytes = bytes;
  return AIT_OK;
}

/* Whether the numbers that count something of a run can be what they say. */
static int32_t is_of_run(const ait_transition_run *run) {
  int32_t fits = run->steps >= 0 && run->steps <= AIT_TRANSITION_STEPS;
  for (int32_t kind = 0; kind < AIT_ARM_MEAN; kind++) {
    const ait_transition_arm *arm = &run->arms[kind];
    fits = fits && arm->points >= 0 && arm->points <= AIT_TRANSITION_MOST_POINTS && arm->iterations >= 0 &&
           arm->iterations <= AIT_TRANSITION_MOST_POINTS;
  }
  return fits;
}

static ait_status take_run(ait_transition_run *run, ait_reader *reader) {
  const carrier from = {.reader = reader};
  carry_run(&from, run);
  return !reader->failed && is_of_run(run) ? take_solver(run, reader) : ait_checkpoint_misfit(reader);
}

/* The path has room for what is still to come. */
ait_status ait_transition_go_on_iterating(ait_transition_run *run, const ait_transition_arm *arm, int64_t iterations,
                                          ait_solver *solver) {
  if (run->solver_state != NULL) {
    AIT_TRY(ait_solver_set_state(solver, run->solver_bytes, run->solver_state));
    free(run->solver_state);
    run->solver_state = NULL;
  }
  const int64_t made = ait_solver_iteration(solver);
  return made <= iterations && made <= arm->points &&
                 arm->points + iterations - made + 1 <= (int64_t)AIT_TRANSITION_MOST_POINTS
             ? AIT_OK
             : ait_checkpoint_misfit(NULL);
}

/* ---- a series ---------------------------------------------------------------------------------- */

static int64_t count_iterations(const ait_transition_series *series) {
  int64_t iterations = 0;
  for (int64_t i = 0; i < series->begun; i++) {
    iterations += ait_transition_iterations(&series->runs[i]);
  }
  return iterations;
}

/* An ait_checkpoint_put: the sentences of the runs that have begun, then the states of those that have none. */
static ait_status put_series(void *of, ait_writer *writer) {
  const ait_transition_series *series = of;
  ait_put_whole(writer, series->begun);
  for (int64_t i = 0; i < series->begun; i++) {
    ait_put_text(writer, series->runs[i].failure);
  }
  for (int64_t i = 0; i < series->begun; i++) {
    if (series->runs[i].failure[0] == '\0') {
      AIT_TRY(put_run(&series->runs[i], writer));
    }
  }
  return AIT_OK;
}

static ait_status take_failures(ait_reader *reader, int64_t count, ait_transition_series *series) {
  series->begun = ait_take_count(reader, sizeof(int64_t));
  for (int64_t i = 0; i < series->begun && i < count; i++) {
    char *failure = ait_take_text(reader);
    if (failure != NULL) {
      snprintf(series->runs[i].failure, sizeof series->runs[i].failure, "%s", failure);
      series->left += failure[0] == '\0';
    }
    free(failure);
  }
  return reader->failed || series->begun > count || series->left == 0 ? ait_checkpoint_misfit(reader) : AIT_OK;
}

ait_status ait_transition_series_begin(ait_checkpoint *checkpoint, int64_t count, ait_transition_run *runs,
                                       ait_transition_series *series) {
  *series = (ait_transition_series){.checkpoint = checkpoint, .runs = runs};
  if (checkpoint == NULL) {
    return AIT_OK;
  }
  ait_checkpoint_start(checkpoint, 0);
  return checkpoint->resumed.data != NULL ? take_failures(&checkpoint->resumed, count, series) : AIT_OK;
}

/* The last run that was saved goes on; those before it had made all steps. */
static ait_status end_resumption(const ait_transition_run *run, const ait_transition_series *series) {
  char note[96];
  AIT_TRY(ait_checkpoint_went_on(series->checkpoint));
  ait_checkpoint_start(series->checkpoint, count_iterations(series));
  snprintf(note, sizeof note, "going on after step %lld of %d, UL iteration %lld", (long long)run->steps,
           AIT_TRANSITION_STEPS, (long long)ait_transition_iterations(run));
  ait_progress_note(run->settings, note);
  return AIT_OK;
}

ait_status ait_transition_go_on(ait_transition_run *run) {
  ait_transition_series *series = run->series;
  if (series == NULL) {
    return AIT_OK;
  }
  const int64_t place = run - series->runs;
  series->begun = place < series->begun ? series->begun : place + 1;
  if (series->left == 0) {
    return AIT_OK;
  }
  AIT_TRY(take_run(run, &series->checkpoint->resumed));
  run->began -= run->seconds;
  series->left--;
  if (series->left == 0) {
    return end_resumption(run, series);
  }
  return run->steps == AIT_TRANSITION_STEPS ? AIT_OK : ait_checkpoint_misfit(NULL);
}

/* While runs have still to take their states, the checkpoint that was opened knows more than they do. What a run that
 * is through comes to is held, for a stop while the classifiers beside the runs are trained. */
static ait_status save(ait_transition_series *series, int32_t is_stop, int32_t is_through) {
  if (series == NULL || series->checkpoint == NULL || series->left > 0) {
    return AIT_OK;
  }
  const int64_t made = count_iterations(series);
  if (is_stop || ait_checkpoint_is_due(series->checkpoint, made)) {
    AIT_TRY(ait_checkpoint_save(series->checkpoint, made, put_series, series));
  }
  return is_through ? ait_checkpoint_hold(series->checkpoint, put_series, series) : AIT_OK;
}

/* The signal is looked at once, so that no run stops without having been saved. */
ait_status ait_transition_keep(ait_transition_run *run, int32_t may_stop) {
  const int32_t is_stop = *run->stop != 0;
  run->seconds = ait_run_clock() - run->began;
  AIT_TRY(save(run->series, is_stop, run->steps == AIT_TRANSITION_STEPS));
  return is_stop && may_stop ? ait_fail(AIT_STOPPED, "stopped by a signal before the rows were ranked") : AIT_OK;
}
