/* rate.c - the size of an LL step by the curvature of the LL objective (docs/derivation.md#the-size-of-an-ll-step). */
#include "run/rate.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "run/trainer.h"
#include "solver/access.h"

/* The parts of the start at which the curvature is looked at. Features that are large for it make its predictions
 * sure, which hides the curvature that training then meets; nearer to 0 no prediction is sure. */
static const double parts_of_start[] = {1, 0.1, 0.01, 0};

ait_status ait_curvature_of_steps(ait_problem *problem, const ait_method *method, const ait_real *x, const ait_real *y,
                                  uint64_t seed, double *curvature) {
  AIT_TRY(ait_problem_ll_curvature(problem, x, y, seed, curvature));
  if (method->mapping == AIT_MAPPING_AGGREGATE) {
    double first;
    AIT_TRY(ait_problem_step_curvature(problem, method->aggregate.mu, x, y, seed, &first));
    *curvature = fmax(*curvature, first);
  }
  return AIT_OK;
}

ait_status ait_rate_of_curvature(double curvature, double *rate) {
  if (!(curvature > 0) || !isfinite(1 / curvature)) {
    return ait_fail(AIT_UNSUPPORTED, "--ll-rate auto: the LL objective has no curvature at the start; give a number");
  }
  *rate = 1 / curvature;
  return AIT_OK;
}

/* The largest curvature over the parts of a start z; y is scratch of its size. */
static ait_status largest_curvature(ait_problem *problem, const ait_method *method, uint64_t seed, const ait_real *x,
                                    const ait_real *z, ait_real *y, double *curvature) {
  *curvature = 0;
  for (size_t i = 0; i < sizeof parts_of_start / sizeof *parts_of_start; i++) {
    double here;
    for (int64_t j = 0; j < ait_problem_m(problem); j++) {
      y[j] = (ait_real)(parts_of_start[i] * z[j]);
    }
    AIT_TRY(ait_curvature_of_steps(problem, method, x, y, seed, &here));
    *curvature = fmax(*curvature, here);
  }
  return AIT_OK;
}

static ait_status curvature_of_problem(const ait_network *network, const ait_method *method, uint64_t seed,
                                       ait_problem *problem, double *curvature) {
  const int64_t n = ait_problem_n(problem), m = ait_problem_m(problem);
  ait_real *x = malloc((size_t)(n + 2 * m) * sizeof *x);
  if (x == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a start of %lld numbers", (long long)m);
  }
  for (int64_t i = 0; i < n; i++) {
    x[i] = ait_weight_of_one;
  }
  ait_network_initialise(network, seed, x + n);
  ait_status status = largest_curvature(problem, method, seed, x, x + n, x + n + m, curvature);
  free(x);
  return status;
}

ait_status ait_clean_settings_choose_rate(ait_context *context, const ait_clean_data *data,
                                          ait_clean_settings *settings) {
  if (!settings->ll_rate_auto) {
    return AIT_OK;
  }
  int64_t sizes[AIT_MAX_HIDDEN + 2];
  ait_network network;
  ait_model_network(&settings->model, (ait_activation)settings->activation, data->features, data->classes, sizes,
                    &network);
  const ait_cleaning_entry entry = ait_clean_data_entry(data);
  ait_problem *problem;
  AIT_TRY(ait_problem_create_cleaning(context, &network, 1, &entry, &problem));
  ait_status status = ait_clean_settings_add_terms(settings, &network, problem);
  if (status == AIT_OK) {
    status = curvature_of_problem(&network, &settings->method, settings->seed, problem, &settings->ll_curvature);
  }
  ait_problem_destroy(problem);
  AIT_TRY(status);
  AIT_TRY(ait_rate_of_curvature(settings->ll_curvature, &settings->ll_rate));
  settings->init_rate = settings->init_rate == -1 ? settings->ll_rate : settings->init_rate;
  return AIT_OK;
}
