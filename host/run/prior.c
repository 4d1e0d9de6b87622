/* prior.c - solvers with the prior that --prior names. */
#include "run/prior.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"

static ait_status check_file(const char *path, const ait_matrix *matrix, int64_t m) {
  const int64_t rows = ait_matrix_rows(matrix), columns = ait_matrix_columns(matrix);
  if (rows * columns != m) {
    return ait_fail(AIT_BAD_DATA,
                    "--prior %s: it holds %lld x %lld numbers; expected the %lld variables of the LL problem, in any "
                    "shape",
                    path, (long long)rows, (long long)columns, (long long)m);
  }
  return ait_matrix_check_finite(matrix, path);
}

/* The numbers of a matrix row by row, `batch` times. */
static void copy_numbers(const ait_matrix *matrix, int64_t batch, int64_t m, ait_real *point) {
  const int64_t columns = ait_matrix_columns(matrix);
  for (int64_t i = 0; i < batch * m; i++) {
    point[i] = (ait_real)ait_matrix_value(matrix, i % m / columns, i % m % columns);
  }
}

static ait_status load_file(const char *path, int64_t batch, int64_t m, ait_real **point) {
  ait_matrix *matrix;
  AIT_TRY(ait_matrix_open_npy(path, &matrix));
  ait_status status = check_file(path, matrix, m);
  if (status == AIT_OK) {
    *point = malloc((size_t)(batch * m) * sizeof **point);
    status = *point != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "--prior %s: no memory for its numbers", path);
  }
  if (status == AIT_OK) {
    copy_numbers(matrix, batch, m, *point);
  }
  ait_matrix_destroy(matrix);
  return status;
}

ait_status ait_prior_create_solver(ait_problem *problem, const ait_solver_options *options, const char *prior,
                                   const ait_real *x0, const ait_real *z0, ait_solver **solver) {
  ait_solver_options with_prior = *options;
  ait_real *point = NULL;
  if (prior != NULL && strcmp(prior, "zero") == 0) {
    with_prior.prior = AIT_PRIOR_ZERO;
  } else if (prior != NULL && strcmp(prior, "initial") != 0) {
    AIT_TRY(load_file(prior, ait_problem_batch(problem), ait_problem_m(problem), &point));
    with_prior.prior = AIT_PRIOR_GIVEN;
    with_prior.prior_point = point;
  }
  ait_status status = ait_solver_create(problem, &with_prior, x0, z0, solver);
  free(point);
  return status;
}
