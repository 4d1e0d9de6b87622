/* access.c - what a caller may read from and write to a solver. */
#include "solver/access.h"

#include <math.h>
#include <string.h>

#include "context/error.h"
#include "solver/solver_state.h"

int64_t ait_solver_iteration(const ait_solver *solver) {
  return solver->t;
}

const int32_t *ait_solver_kbar(const ait_solver *solver) {
  return solver->findings.host_kbar;
}

const ait_real *ait_solver_trajectory_F(const ait_solver *solver) {
  return solver->findings.host_F;
}

const ait_real *ait_solver_gx(const ait_solver *solver) {
  return solver->x.gradient;
}

const ait_real *ait_solver_gz(const ait_solver *solver) {
  return solver->z.gradient;
}

int64_t ait_solver_diverged_entry(const ait_solver *solver) {
  return solver->diverged_entry;
}

static ait_status read_back(ait_solver *solver, int64_t count, const ait_real *source, ait_real *host) {
  const ait_runtime_ops *runtime = solver->device->runtime;
  AIT_TRY(runtime->copy_out(solver->device, (size_t)count * sizeof *host, source, host));
  return ait_solver_settle(solver);
}

static ait_status need(int32_t there, const char *what, const char *before) {
  return there ? AIT_OK : ait_fail(AIT_UNSUPPORTED, "there is no %s before the first %s", what, before);
}

ait_status ait_solver_get_x(ait_solver *solver, ait_real *x) {
  return ait_solver_get_x_part(solver, 0, solver->n, x);
}

ait_status ait_solver_get_x_part(ait_solver *solver, int64_t first, int64_t count, ait_real *x) {
  return read_back(solver, count, solver->x.value + first, x);
}

ait_status ait_solver_get_z(ait_solver *solver, ait_real *z) {
  return read_back(solver, solver->z.size, solver->z.value, z);
}

ait_status ait_solver_get_y(ait_solver *solver, ait_real *y) {
  AIT_TRY(need(solver->rolled_out, "y_K", "rollout"));
  return read_back(solver, solver->z.size, solver->trajectory.last, y);
}

ait_status ait_solver_get_y_of(ait_solver *solver, int64_t b, ait_real *y) {
  AIT_TRY(need(solver->rolled_out, "y_K", "rollout"));
  return read_back(solver, solver->m, solver->trajectory.last + b * solver->m, y);
}

ait_status ait_solver_get_z_of(ait_solver *solver, int64_t b, ait_real *z) {
  return read_back(solver, solver->m, solver->z.value + b * solver->m, z);
}

ait_status ait_solver_get_y_kbar(ait_solver *solver, ait_real *y) {
  AIT_TRY(need(solver->swept, "y at kbar", "hyper-gradient"));
  return read_back(solver, solver->z.size, solver->y_kbar, y);
}

ait_status ait_solver_get_gx(ait_solver *solver, ait_real *gx) {
  AIT_TRY(need(solver->swept, "gradient", "hyper-gradient"));
  return read_back(solver, solver->n, solver->x.gradient, gx);
}

ait_status ait_solver_get_gz(ait_solver *solver, ait_real *gz) {
  AIT_TRY(need(solver->swept, "gradient", "hyper-gradient"));
  return read_back(solver, solver->z.size, solver->z.gradient, gz);
}

ait_status ait_solver_curvature_count(ait_solver *solver, int64_t *directions) {
  AIT_TRY(ait_solver_settle(solver));
  memcpy(directions, solver->curved, (size_t)solver->batch * sizeof *directions);
  return AIT_OK;
}

static ait_status write_variable(ait_solver *solver, const ait_variable *variable, const char *name,
                                 const ait_real *host) {
  for (int64_t i = 0; i < variable->size; i++) {
    if (!isfinite(host[i])) {
      return ait_fail(AIT_BAD_DATA, "%s[%lld] is %g; expected a finite number", name, (long long)i, (double)host[i]);
    }
  }
  return solver->device->runtime->copy_in(solver->device, (size_t)variable->size * sizeof *host, host, variable->value);
}

ait_status ait_solver_set_x(ait_solver *solver, const ait_real *x) {
  return write_variable(solver, &solver->x, "x", x);
}

ait_status ait_solver_set_z(ait_solver *solver, const ait_real *z) {
  return write_variable(solver, &solver->z, "z", z);
}
