/* update.c - the upper level's steps (docs/derivation.md#updates). */
#include "context/error.h"
#include "solver/solver_state.h"

static ait_status update(ait_solver *solver, ait_variable *variable, const ait_optimizer *optimizer,
                         const ait_update *numbers, const ait_real *gradient, ait_box box) {
  const ait_vector_ops *vector = solver->device->vector;
  AIT_TRY(vector->update(solver->device, optimizer->kind, variable->size, numbers, gradient, variable->moment1,
                         variable->moment2, variable->value));
  if (!ait_box_bounds(box)) {
    return AIT_OK;
  }
  return vector->project(solver->device, variable->size, box.lower, box.upper, variable->value, NULL);
}

/* x_{t+1} = Proj_X(x_t - alpha_x gx). */
ait_status ait_update_upper_level(ait_solver *solver) {
  return update(solver, &solver->x, &solver->options.ul_optimizer, solver->constants.update, solver->x.gradient,
                solver->X);
}

/* What z descends: gz, or with a prior gz + rho (z - prior). gz itself stays dF/dz. */
static ait_status take_z_descent(ait_solver *solver, const ait_real **gradient) {
  const double rho = solver->options.method.prior_weight;
  *gradient = solver->z.gradient;
  if (solver->prior == NULL) {
    return AIT_OK;
  }
  *gradient = solver->z_descent;
  const ait_term terms[] = {{rho, NULL, solver->z.value}, {-rho, NULL, solver->prior}, {1, NULL, solver->z.gradient}};
  return solver->device->vector->combine(solver->device, 1, solver->z.size, NULL, 3, terms, solver->z_descent);
}

/* z_{t+1} = Proj_Y(z_t - alpha_z (gz + rho (z_t - prior))). */
static ait_status descend_start(ait_solver *solver) {
  const ait_real *gradient;
  AIT_TRY(take_z_descent(solver, &gradient));
  return update(solver, &solver->z, &solver->options.init_optimizer, solver->constants.update + 1, gradient, solver->Y);
}

/* z_{t+1}: a step of descent where z is learned, y_K for a warm start, else z_t. */
ait_status ait_update_initialisation(ait_solver *solver) {
  switch (solver->options.method.initialisation) {
    case AIT_INITIALISATION_AUXILIARY:
      return descend_start(solver);
    case AIT_INITIALISATION_WARM:
      return solver->device->vector->copy(solver->device, solver->z.size, solver->trajectory.last, solver->z.value);
    default:
      return AIT_OK;
  }
}
