/* update.c - the upper level's steps (docs/derivation.md#updates). */
#include "context/error.h"
#include "solver/solver_state.h"

static ait_status update(ait_solver *solver, ait_variable *variable, const ait_optimizer *optimizer,
                         const ait_update *numbers, ait_box box) {
  const ait_vector_ops *vector = solver->device->vector;
  AIT_TRY(vector->update(solver->device, optimizer->kind, variable->size, numbers, variable->gradient,
                         variable->moment1, variable->moment2, variable->value));
  if (!ait_box_bounds(box)) {
    return AIT_OK;
  }
  return vector->project(solver->device, variable->size, box.lower, box.upper, variable->value, NULL);
}

/* x_{t+1} = Proj_X(x_t - alpha_x gx). */
ait_status ait_update_upper_level(ait_solver *solver) {
  return update(solver, &solver->x, &solver->options.ul_optimizer, solver->constants.update, solver->X);
}

/* z_{t+1}: Proj_Y(z_t - alpha_z gz) where z is learned, y_K for a warm start, else z_t. */
ait_status ait_update_initialisation(ait_solver *solver) {
  switch (solver->options.method.initialisation) {
    case AIT_INITIALISATION_AUXILIARY:
      return update(solver, &solver->z, &solver->options.init_optimizer, solver->constants.update + 1, solver->Y);
    case AIT_INITIALISATION_WARM:
      return solver->device->vector->copy(solver->device, solver->z.size,
                                          ait_trajectory_state(&solver->trajectory, solver->K), solver->z.value);
    default:
      return AIT_OK;
  }
}
