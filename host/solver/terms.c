/* terms.c - the smoothed l_q terms that f has beside what the oracles compute
 * (docs/derivation.md#smoothed-lq-terms).
 *
 * With w the term's part of y_b and s = ||w||^2 + epsilon^2:
 *     value     weight s^(q/2)
 *     gradient  a w           a = weight q s^(q/2 - 1)
 *     product   a v + c w     c = weight q (q - 2) s^(q/2 - 2) <w, v>
 * a and c stay in device memory. */
#include "context/error.h"
#include "solver/solver_state.h"

/* Where the numbers of the term at hand stand. */
enum { NORM, FIRST, SECOND };

static ait_real *number(const ait_solver *solver, int32_t which) {
  return solver->term + which;
}

/* number `which` = scale s^exponent. */
static ait_status power_of_s(ait_solver *solver, const ait_lq_term *term, double scale, double exponent,
                             int32_t which) {
  return solver->device->vector->power(solver->device, 1, scale, term->epsilon * term->epsilon, exponent,
                                       number(solver, NORM), number(solver, which));
}

static ait_status add_gradient(ait_solver *solver, const ait_lq_term *term, const uint8_t *active, const ait_real *w,
                               ait_real *g, ait_real *f) {
  const ait_vector_ops *vector = solver->device->vector;
  AIT_TRY(vector->dot(solver->device, 1, term->count, w, w, number(solver, NORM)));
  AIT_TRY(power_of_s(solver, term, term->weight, term->q / 2, FIRST));
  const ait_term value[] = {{1, NULL, f}, {1, NULL, number(solver, FIRST)}};
  AIT_TRY(vector->combine(solver->device, 1, 1, active, 2, value, f));
  AIT_TRY(power_of_s(solver, term, term->weight * term->q, term->q / 2 - 1, FIRST));
  const ait_term gradient[] = {{1, NULL, g}, {1, number(solver, FIRST), w}};
  return vector->combine(solver->device, 1, term->count, active, 2, gradient, g);
}

/* c = <w, v> / (s^(2 - q/2) / (weight q (q - 2))), as the device multiplies no two of its numbers. */
static ait_status add_product(ait_solver *solver, const ait_lq_term *term, const uint8_t *active, const ait_real *w,
                              const ait_real *v, ait_real *hv) {
  const ait_vector_ops *vector = solver->device->vector;
  const double q = term->q;
  ait_real *c = number(solver, SECOND);
  AIT_TRY(vector->dot(solver->device, 1, term->count, w, w, number(solver, NORM)));
  AIT_TRY(power_of_s(solver, term, 1 / (term->weight * q * (q - 2)), 2 - q / 2, FIRST));
  AIT_TRY(vector->dot(solver->device, 1, term->count, w, v, c));
  AIT_TRY(vector->ratio(solver->device, 1, c, number(solver, FIRST), c));
  AIT_TRY(power_of_s(solver, term, term->weight * q, q / 2 - 1, FIRST));
  const ait_term product[] = {{1, NULL, hv}, {1, number(solver, FIRST), v}, {1, c, w}};
  return vector->combine(solver->device, 1, term->count, active, 3, product, hv);
}

ait_status ait_terms_add_gradient(ait_solver *solver, const ait_real *y, const uint8_t *active, ait_real *g,
                                  ait_real *f) {
  const ait_problem *problem = solver->problem;
  for (int64_t b = 0; b < solver->batch && solver->term != NULL; b++) {
    for (int32_t i = 0; i < problem->term_count; i++) {
      const int64_t offset = b * solver->m + problem->terms[i].first;
      AIT_TRY(
          add_gradient(solver, &problem->terms[i], active == NULL ? NULL : active + b, y + offset, g + offset, f + b));
    }
  }
  return AIT_OK;
}

ait_status ait_terms_add_product(ait_solver *solver, const ait_real *y, const ait_real *v, ait_real *hv) {
  const ait_problem *problem = solver->problem;
  for (int64_t b = 0; b < solver->batch && solver->term != NULL; b++) {
    for (int32_t i = 0; i < problem->term_count; i++) {
      const int64_t offset = b * solver->m + problem->terms[i].first;
      AIT_TRY(add_product(solver, &problem->terms[i], solver->active + b, y + offset, v + offset, hv + offset));
    }
  }
  return AIT_OK;
}
