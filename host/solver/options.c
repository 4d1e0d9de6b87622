/* options.c - a solver's settings: defaults, checks, schedules (docs/derivation.md#schedules). */
#include <math.h>

#include "context/error.h"
#include "solver/solver_state.h"

static ait_schedule constant_rate(double rate) {
  return (ait_schedule){.kind = AIT_SCHEDULE_CONSTANT, .rate = rate, .factor = 1};
}

static ait_optimizer default_optimizer(void) {
  return (ait_optimizer){.kind = AIT_OPTIMIZER_SGD,
                         .rate = constant_rate(0.1),
                         .beta1 = 0.9,
                         .beta2 = 0.999,
                         .epsilon = 1e-8,
                         .gradient_scale = 1};
}

void ait_solver_options_init(ait_solver_options *options) {
  *options = (ait_solver_options){.struct_size = sizeof *options,
                                  .ul_iterations = 100,
                                  .ll_steps = 100,
                                  .ll_rate = constant_rate(0.1),
                                  .ul_optimizer = default_optimizer(),
                                  .init_optimizer = default_optimizer(),
                                  .divergence_limit = 1000};
  ait_method_by_name("iaptt-gm", &options->method);
}

static ait_status out_of_range(const char *owner, const char *setting, double value, const char *expected) {
  return ait_fail(AIT_INVALID_ARGUMENT, "%s%s is %g; expected %s", owner, setting, value, expected);
}

static ait_status check_schedule(const char *owner, const ait_schedule *schedule, int32_t zero_allowed) {
  const double rate = schedule->rate;
  if (!(isfinite(rate) && (zero_allowed ? rate >= 0 : rate > 0))) {
    return out_of_range(owner, "step size", rate, zero_allowed ? "0 or more" : "more than 0");
  }
  if (schedule->period < 0) {
    return out_of_range(owner, "schedule period", (double)schedule->period, "0 (the run's length) or more");
  }
  switch (schedule->kind) {
    case AIT_SCHEDULE_CONSTANT:
      return AIT_OK;
    case AIT_SCHEDULE_STEP:
      if (!(isfinite(schedule->factor) && schedule->factor > 0)) {
        return out_of_range(owner, "schedule factor", schedule->factor, "more than 0");
      }
      return AIT_OK;
    case AIT_SCHEDULE_COSINE:
      if (!(isfinite(schedule->final) && schedule->final >= 0)) {
        return out_of_range(owner, "final step size", schedule->final, "0 or more");
      }
      return AIT_OK;
  }
  return out_of_range(owner, "schedule kind", schedule->kind, "constant, step or cosine");
}

static ait_status check_optimizer(const char *owner, const ait_optimizer *optimizer) {
  AIT_TRY(check_schedule(owner, &optimizer->rate, 1));
  if (!(isfinite(optimizer->gradient_scale) && optimizer->gradient_scale > 0)) {
    return out_of_range(owner, "gradient scale", optimizer->gradient_scale, "more than 0");
  }
  if (optimizer->kind == AIT_OPTIMIZER_SGD) {
    return optimizer->momentum >= 0 && optimizer->momentum < 1
               ? AIT_OK
               : out_of_range(owner, "momentum", optimizer->momentum, "0 or more and less than 1");
  }
  if (optimizer->kind != AIT_OPTIMIZER_ADAM) {
    return out_of_range(owner, "optimiser kind", optimizer->kind, "SGD or Adam");
  }
  if (!(optimizer->beta1 >= 0 && optimizer->beta1 < 1)) {
    return out_of_range(owner, "beta1", optimizer->beta1, "0 or more and less than 1");
  }
  if (!(optimizer->beta2 >= 0 && optimizer->beta2 < 1)) {
    return out_of_range(owner, "beta2", optimizer->beta2, "0 or more and less than 1");
  }
  if (!(isfinite(optimizer->epsilon) && optimizer->epsilon > 0)) {
    return out_of_range(owner, "epsilon", optimizer->epsilon, "more than 0");
  }
  return AIT_OK;
}

int32_t ait_is_implicit(const ait_method *method) {
  return method->hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT ||
         method->hypergradient == AIT_HYPERGRADIENT_NEUMANN;
}

int64_t ait_lbfgs_history(const ait_method *method) {
  return method->lbfgs.history > 0 ? method->lbfgs.history : 10;
}

int64_t ait_first_step(const ait_method *method, int64_t ll_steps) {
  if (method->truncation != AIT_TRUNCATION_LAST) {
    return 0;
  }
  return ll_steps - (method->last_steps > 0 ? method->last_steps : (ll_steps + 1) / 2);
}

/* What conjugate gradient alone reads. */
static ait_status check_conjugate_gradient(const ait_method *method) {
  const ait_conjugate_gradient *cg = &method->conjugate_gradient;
  if (cg->iterations < 0) {
    return out_of_range("conjugate gradient's ", "iterations", (double)cg->iterations,
                        "0 (as many as LL steps) or more");
  }
  if (!(cg->tolerance >= 0 && cg->tolerance < 1)) {
    return out_of_range("conjugate gradient's ", "tolerance", cg->tolerance, "0 or more and less than 1");
  }
  if (!(isfinite(cg->damping) && cg->damping >= 0)) {
    return out_of_range("conjugate gradient's ", "damping", cg->damping, "0 or more");
  }
  if ((unsigned)cg->preconditioner > AIT_PRECONDITIONER_MATRIX) {
    return out_of_range("conjugate gradient's ", "preconditioner", cg->preconditioner, "none, diagonal or matrix");
  }
  const int32_t used = cg->iterations > 0 || cg->tolerance > 0 || cg->damping > 0 ||
                       cg->negative_curvature != AIT_NEGATIVE_CURVATURE_CONTINUE ||
                       cg->preconditioner != AIT_PRECONDITIONER_NONE;
  if (used && method->hypergradient != AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "there are settings of conjugate gradient but the hyper-gradient is not by it: choose one of the two");
  }
  return AIT_OK;
}

static ait_status check_neumann(const ait_method *method) {
  if (method->neumann_terms < 0) {
    return out_of_range("", "neumann_terms", (double)method->neumann_terms, "0 (as many as LL steps) or more");
  }
  if (method->neumann_terms > 0 && method->hypergradient != AIT_HYPERGRADIENT_NEUMANN) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "neumann_terms is %lld but the hyper-gradient is not by a Neumann series: choose one of the two",
                    (long long)method->neumann_terms);
  }
  return AIT_OK;
}

static const char *implicit_name(const ait_method *method) {
  return method->hypergradient == AIT_HYPERGRADIENT_NEUMANN ? "by a Neumann series" : "by conjugate gradient";
}

static ait_status check_weight(const char *setting, double weight, int32_t wanted) {
  const int32_t good = wanted ? isfinite(weight) && weight > 0 : weight == 0;
  return good ? AIT_OK
              : out_of_range("the proximal function's ", setting, weight,
                             wanted ? "more than 0" : "0, since its kind has none");
}

static ait_status check_proximal(const ait_method *method) {
  const ait_proximal *r = &method->proximal;
  if (method->mapping == AIT_MAPPING_PROXIMAL && r->kind == AIT_PROX_NONE) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "the mapping is proximal but there is no proximal function: choose l1, l2, an elastic net or a box, "
        "or the gradient mapping");
  }
  if (method->mapping != AIT_MAPPING_PROXIMAL && method->mapping != AIT_MAPPING_AGGREGATE && r->kind != AIT_PROX_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "there is a proximal function but the mapping is %s: choose the proximal mapping or no function",
                    method->mapping == AIT_MAPPING_LBFGS ? "L-BFGS" : "the gradient's");
  }
  AIT_TRY(check_weight("weight", r->weight, r->kind != AIT_PROX_NONE && r->kind != AIT_PROX_BOX));
  AIT_TRY(check_weight("l2_weight", r->l2_weight, r->kind == AIT_PROX_ELASTIC_NET));
  if (r->kind == AIT_PROX_BOX && !(r->lower <= r->upper)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "the proximal box is [%g, %g]; expected lower <= upper", r->lower, r->upper);
  }
  if (r->kind != AIT_PROX_BOX && !(r->lower == 0 && r->upper == 0)) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "there are bounds of a proximal box but the proximal function is another: choose one of the two");
  }
  return AIT_OK;
}

/* What the mapping reads; an implicit hyper-gradient is that of f's own solution. */
static ait_status check_mapping(const ait_method *method) {
  AIT_TRY(check_proximal(method));
  const ait_aggregate *aggregate = &method->aggregate;
  if (method->mapping != AIT_MAPPING_AGGREGATE) {
    return aggregate->mu == 0 && aggregate->decay == 0
               ? AIT_OK
               : ait_fail(AIT_INVALID_ARGUMENT,
                          "there are settings of the aggregate mapping but the mapping is another: choose one of the "
                          "two");
  }
  if (!(aggregate->mu > 0 && aggregate->mu <= 1)) {
    return out_of_range("the aggregate mapping's ", "mu", aggregate->mu, "more than 0 and at most 1");
  }
  if (!(aggregate->decay > 0 && aggregate->decay <= 1)) {
    return out_of_range("the aggregate mapping's ", "decay", aggregate->decay, "more than 0 and at most 1");
  }
  if (ait_is_implicit(method)) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the mapping is aggregate but the hyper-gradient is %s, which takes y_K for a solution of the LL "
                    "problem without F: choose another mapping or reverse accumulation",
                    implicit_name(method));
  }
  if (method->hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the mapping is aggregate but the hyper-gradient is by finite differences (one-stage), which are "
                    "taken of f alone: choose another mapping or reverse accumulation");
  }
  return AIT_OK;
}

/* An implicit hyper-gradient looks at y_K alone: no other iterate, no start. */
static ait_status check_implicit(const ait_method *method) {
  AIT_TRY(check_conjugate_gradient(method));
  AIT_TRY(check_neumann(method));
  if (!ait_is_implicit(method)) {
    return AIT_OK;
  }
  const char *name = implicit_name(method);
  if (method->truncation != AIT_TRUNCATION_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the truncation is %s but the hyper-gradient is %s, which looks at y_K alone: choose no truncation "
                    "or reverse accumulation",
                    method->truncation == AIT_TRUNCATION_LAST ? "'last steps'" : "pessimistic", name);
  }
  if (method->initialisation == AIT_INITIALISATION_AUXILIARY) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "the initialisation is auxiliary but the hyper-gradient is %s, which has no gradient of z: choose a "
        "fixed or warm start or reverse accumulation",
        name);
  }
  return AIT_OK;
}

/* Finite differences are taken of one plain step. */
static ait_status check_differences(const ait_method *method, int64_t ll_steps) {
  const double epsilon = method->difference_epsilon;
  if (!(isfinite(epsilon) && (epsilon == 0 || epsilon >= ait_least_difference_epsilon()))) {
    return ait_fail(AIT_INVALID_ARGUMENT, "difference_epsilon is %g; expected 0 (the usual 0.01) or %.2g and more",
                    epsilon, ait_least_difference_epsilon());
  }
  if (method->hypergradient != AIT_HYPERGRADIENT_FINITE_DIFFERENCES) {
    return method->difference_epsilon == 0
               ? AIT_OK
               : ait_fail(AIT_INVALID_ARGUMENT,
                          "difference_epsilon is %g but the hyper-gradient is not by finite differences: choose one of "
                          "the two",
                          method->difference_epsilon);
  }
  if (ll_steps != 1) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "the hyper-gradient is by finite differences (one-stage), which are taken of one LL step, but there "
        "are %lld LL steps: choose one step or reverse accumulation",
        (long long)ll_steps);
  }
  if (method->truncation != AIT_TRUNCATION_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the truncation is %s but the hyper-gradient is by finite differences of a single LL step, which "
                    "leaves nothing to truncate: choose no truncation or reverse accumulation",
                    method->truncation == AIT_TRUNCATION_LAST ? "'last steps'" : "pessimistic");
  }
  if (method->nesterov) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "there is Nesterov acceleration but the hyper-gradient is by finite differences of a single LL "
                    "step, which nothing accelerates: choose a step without it or reverse accumulation");
  }
  return AIT_OK;
}

/* A prior draws what descends, the learned start. */
static ait_status check_prior(const ait_solver_options *options) {
  const ait_method *method = &options->method;
  if (!(isfinite(method->prior_weight) && method->prior_weight >= 0)) {
    return out_of_range("", "prior_weight", method->prior_weight, "0 (no prior) or more");
  }
  if ((unsigned)options->prior > AIT_PRIOR_GIVEN) {
    return out_of_range("", "the prior", options->prior, "initial, zero or given");
  }
  if ((options->prior == AIT_PRIOR_GIVEN) != (options->prior_point != NULL)) {
    return ait_fail(AIT_INVALID_ARGUMENT, options->prior == AIT_PRIOR_GIVEN
                                              ? "the prior is given but prior_point is NULL"
                                              : "there is a prior_point but the prior is not 'given'");
  }
  if (method->prior_weight > 0 && method->initialisation != AIT_INITIALISATION_AUXILIARY) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "prior_weight is %g but the initialisation is %s, so no z descends that a prior could draw: choose "
                    "an auxiliary start or no prior",
                    method->prior_weight, method->initialisation == AIT_INITIALISATION_WARM ? "warm" : "fixed");
  }
  if (method->prior_weight > 0 && method->hypergradient == AIT_HYPERGRADIENT_NONE) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "prior_weight is %g but there is no hyper-gradient, so no z descends that a prior could draw: choose "
        "a hyper-gradient or no prior",
        method->prior_weight);
  }
  return AIT_OK;
}

/* What solves the LL problem has steps that are neither accelerated nor differentiated. */
static ait_status check_lbfgs_goes_with(const ait_method *method) {
  if (!ait_is_implicit(method) && method->hypergradient != AIT_HYPERGRADIENT_NONE) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "the LL mapping is L-BFGS but the hyper-gradient is by %s, which goes back along plain steps: choose "
        "the gradient mapping or an implicit hyper-gradient",
        method->hypergradient == AIT_HYPERGRADIENT_REVERSE ? "reverse accumulation" : "finite differences");
  }
  if (method->nesterov) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the LL mapping is L-BFGS but there is Nesterov acceleration, which is for gradient steps: choose "
                    "one of the two");
  }
  if (method->truncation != AIT_TRUNCATION_NONE) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the LL mapping is L-BFGS but the truncation is %s, which leaves its solution y_K: choose no "
                    "truncation or the gradient mapping",
                    method->truncation == AIT_TRUNCATION_LAST ? "'last steps'" : "pessimistic");
  }
  return AIT_OK;
}

static ait_status check_lbfgs(const ait_method *method, int64_t ll_steps) {
  const ait_lbfgs *lbfgs = &method->lbfgs;
  if (lbfgs->history < 0) {
    return out_of_range("L-BFGS's ", "history", (double)lbfgs->history, "0 (10 pairs) or more");
  }
  if (!(lbfgs->tolerance >= 0 && lbfgs->tolerance < 1)) {
    return out_of_range("L-BFGS's ", "tolerance", lbfgs->tolerance, "0 or more and less than 1");
  }
  if (method->mapping != AIT_MAPPING_LBFGS) {
    return lbfgs->history == 0 && lbfgs->tolerance == 0
               ? AIT_OK
               : ait_fail(AIT_INVALID_ARGUMENT,
                          "there are settings of L-BFGS but the LL mapping is another: choose one of the two");
  }
  if (ll_steps < 2) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the LL mapping is L-BFGS, whose first step only looks at y_0, but there is one LL step: choose 2 "
                    "or more");
  }
  return check_lbfgs_goes_with(method);
}

static ait_status check_method(const ait_method *method, int64_t ll_steps) {
  if ((unsigned)method->initialisation > AIT_INITIALISATION_AUXILIARY ||
      (unsigned)method->truncation > AIT_TRUNCATION_LAST || (unsigned)method->mapping > AIT_MAPPING_PROXIMAL ||
      (unsigned)method->proximal.kind > AIT_PROX_BOX || (unsigned)method->hypergradient > AIT_HYPERGRADIENT_NONE ||
      (unsigned)method->conjugate_gradient.negative_curvature > AIT_NEGATIVE_CURVATURE_ERROR) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the method holds a choice that does not exist; start from ait_method_by_name");
  }
  if (method->last_steps < 0) {
    return out_of_range("", "last_steps", (double)method->last_steps, "0 (half of the LL steps) or more");
  }
  if (method->last_steps > 0 && method->truncation != AIT_TRUNCATION_LAST) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "last_steps is %lld but the truncation is not 'last steps': choose one of the two",
                    (long long)method->last_steps);
  }
  if (method->last_steps > ll_steps) {
    return ait_fail(AIT_INVALID_ARGUMENT, "last_steps is %lld but there are only %lld LL steps",
                    (long long)method->last_steps, (long long)ll_steps);
  }
  AIT_TRY(check_mapping(method));
  AIT_TRY(check_lbfgs(method, ll_steps));
  AIT_TRY(check_implicit(method));
  AIT_TRY(check_differences(method, ll_steps));
  if (method->truncation == AIT_TRUNCATION_LAST && method->hypergradient == AIT_HYPERGRADIENT_NONE) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "the truncation is 'last steps' but there is no hyper-gradient, which is all that it shortens: choose "
        "no truncation or a hyper-gradient");
  }
  if (method->initialisation == AIT_INITIALISATION_AUXILIARY && ait_first_step(method, ll_steps) > 0) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "the initialisation is auxiliary but the truncation is 'last steps', so the gradient "
                    "never reaches z: choose another truncation or a fixed start");
  }
  return AIT_OK;
}

ait_status ait_solver_options_check(const ait_solver_options *options) {
  if (options->struct_size != sizeof *options) {
    return ait_fail(AIT_INVALID_ARGUMENT, "solver options were not set up by ait_solver_options_init");
  }
  if (options->ul_iterations < 1) {
    return out_of_range("", "the number of UL iterations T", (double)options->ul_iterations, "1 or more");
  }
  if (options->ll_steps < 1 || options->ll_steps >= INT32_MAX) {
    return out_of_range("", "the number of LL steps K", (double)options->ll_steps, "1 to 2147483646");
  }
  if (!(options->divergence_limit > 0)) {
    return out_of_range("", "divergence_limit", options->divergence_limit, "more than 0");
  }
  AIT_TRY(check_method(&options->method, options->ll_steps));
  AIT_TRY(check_prior(options));
  AIT_TRY(check_schedule("LL ", &options->ll_rate, 0));
  AIT_TRY(check_optimizer("UL ", &options->ul_optimizer));
  return check_optimizer("initialisation ", &options->init_optimizer);
}

double ait_schedule_rate(const ait_schedule *schedule, int64_t i, int64_t length) {
  const int64_t period = schedule->period > 0 ? schedule->period : length;
  switch (schedule->kind) {
    case AIT_SCHEDULE_STEP: {
      const int64_t periods = i / period;
      return schedule->rate * pow(schedule->factor, (double)periods);
    }
    case AIT_SCHEDULE_COSINE: {
      const double share = i < period ? (double)i / (double)period : 1;
      return schedule->final + (schedule->rate - schedule->final) * 0.5 * (1 + cos(M_PI * share));
    }
    default:
      return schedule->rate;
  }
}
