/* trainer.c - a plain classifier trained on several sets of rows at once, without any weighing of rows. */
#include "run/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"

/* A training whose loss climbs above twice its start has too large a rate. */
static const double overshoot = 1;

const ait_real ait_weight_of_one = 40;

/* ---- sets -------------------------------------------------------------------------------------- */

/* Slot `place` owns the copies; rows that are taken as they are stay the caller's. */
static ait_status take_rows(ait_trainer *t, const ait_labelled_rows *from, int32_t place, const ait_matrix **matrix,
                            const int32_t **labels) {
  *matrix = from->matrix;
  *labels = from->labels;
  if (from->rows == NULL) {
    return AIT_OK;
  }
  t->labels[place] = malloc((size_t)from->count * sizeof *t->labels[place]);
  if (t->labels[place] == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the labels of %lld rows", (long long)from->count);
  }
  for (int64_t i = 0; i < from->count; i++) {
    t->labels[place][i] = from->labels[from->rows[i]];
  }
  AIT_TRY(ait_matrix_gather(from->matrix, from->count, from->rows, &t->matrices[place]));
  *matrix = t->matrices[place];
  *labels = t->labels[place];
  return AIT_OK;
}

ait_status ait_trainer_add(ait_trainer *t, const ait_labelled_rows *train, const ait_labelled_rows *left_out) {
  if (t->sets == AIT_TRAINER_MOST_SETS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a trainer takes at most %d sets of rows", AIT_TRAINER_MOST_SETS);
  }
  if (train->count < 1 || (left_out != NULL && left_out->count < 1)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a classifier needs rows to be trained on and rows to be judged by");
  }
  ait_cleaning_entry *entry = &t->entries[t->sets];
  const int32_t place = 2 * t->sets++;
  AIT_TRY(take_rows(t, train, place, &entry->train, &entry->train_labels));
  if (left_out == NULL) { /* the problem wants validation rows; their loss is not asked for */
    entry->validation = entry->train;
    entry->validation_labels = entry->train_labels;
    return AIT_OK;
  }
  return take_rows(t, left_out, place + 1, &entry->validation, &entry->validation_labels);
}

void ait_trainer_clear(ait_trainer *t) {
  for (int32_t place = 0; place < 2 * AIT_TRAINER_MOST_SETS; place++) {
    ait_matrix_destroy(t->matrices[place]);
    free(t->labels[place]);
    t->matrices[place] = NULL;
    t->labels[place] = NULL;
  }
  t->sets = 0;
}

/* ---- one rollout ------------------------------------------------------------------------------- */

static ait_status start_values(const ait_trainer *t, int64_t n, int64_t m, ait_real **x, ait_real **z) {
  *x = malloc((size_t)n * sizeof **x);
  *z = malloc((size_t)(t->sets * m) * sizeof **z);
  if (*x == NULL || *z == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to train a classifier of %lld parameters", (long long)m);
  }
  for (int64_t i = 0; i < n; i++) {
    (*x)[i] = ait_weight_of_one;
  }
  for (int32_t b = 0; b < t->sets; b++) {
    ait_network_initialise(t->network, t->seed, *z + b * m);
  }
  return AIT_OK;
}

static ait_status make_solver(const ait_trainer *t, ait_problem *problem, int64_t steps, int32_t with_losses,
                              ait_solver **solver) {
  ait_solver_options options;
  ait_solver_options_init(&options);
  options.method = (ait_method){.initialisation = AIT_INITIALISATION_FIXED,
                                .truncation = AIT_TRUNCATION_NONE,
                                .nesterov = 1,
                                .hypergradient = AIT_HYPERGRADIENT_NONE};
  options.ll_steps = steps;
  options.ll_rate.rate = t->rate;
  options.record_trajectory = with_losses;
  options.divergence_limit = overshoot;
  ait_real *x = NULL, *z = NULL;
  ait_status status = start_values(t, ait_problem_n(problem), ait_problem_m(problem), &x, &z);
  if (status == AIT_OK) {
    status = ait_solver_create(problem, &options, x, z, solver);
  }
  free(x);
  free(z);
  return status;
}

/* F[k] = the mean over the sets of the loss on what they left out, k = 0 .. steps. */
static void mean_losses(const ait_trainer *t, const ait_solver *solver, int64_t steps, double *F) {
  const ait_real *trajectory = ait_solver_trajectory_F(solver);
  for (int64_t k = 0; k <= steps; k++) {
    F[k] = 0;
    for (int32_t b = 0; b < t->sets; b++) {
      F[k] += (double)trajectory[k * t->sets + b] / (double)t->sets;
    }
  }
}

/* All steps; F (steps + 1) or y (sets x m) may be NULL. */
static ait_status roll_out(const ait_trainer *t, int64_t steps, double *F, ait_real *y) {
  ait_problem *problem;
  ait_solver *solver = NULL;
  AIT_TRY(ait_problem_create_cleaning(t->context, t->network, t->sets, t->entries, &problem));
  ait_status status = make_solver(t, problem, steps, F != NULL, &solver);
  if (status == AIT_OK) {
    status = ait_solver_rollout(solver);
  }
  if (status == AIT_OK && F != NULL) {
    mean_losses(t, solver, steps, F);
  }
  if (status == AIT_OK && y != NULL) {
    status = ait_solver_get_y(solver, y);
  }
  ait_solver_destroy(solver);
  ait_problem_destroy(problem);
  return status;
}

ait_status ait_trainer_find_steps(const ait_trainer *t, int64_t most, int64_t *steps) {
  double *F = malloc((size_t)(most + 1) * sizeof *F);
  if (F == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the losses of %lld steps", (long long)most);
  }
  ait_status status = roll_out(t, most, F, NULL);
  if (status == AIT_OK) {
    *steps = 1;
    for (int64_t k = 2; k <= most; k++) {
      *steps = F[k] < F[*steps] ? k : *steps;
    }
  }
  free(F);
  return status;
}

ait_status ait_trainer_fit(const ait_trainer *t, int64_t steps, ait_real *y) {
  return roll_out(t, steps, NULL, y);
}
