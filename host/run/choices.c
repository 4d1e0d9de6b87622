/* choices.c - the choices that a method is a bundle of, where the user makes them one by one. */
#include "run/choices.h"

#include <math.h>
#include <stddef.h>

#include "context/error.h"

const char *const ait_initialisation_words[] = {"fixed", "warm", "auxiliary", NULL};
const char *const ait_truncation_words[] = {"none", "pessimistic", "last", NULL};
const char *const ait_mapping_words[] = {"gradient", "aggregate", "l-bfgs", "proximal", NULL};
const char *const ait_hypergradient_words[] = {"reverse", "cg", "neumann", "finite-differences", NULL};
const char *const ait_prox_words[] = {"l1", "l2", "elastic-net", "box", NULL};
const char *const ait_no_yes_words[] = {"no", "yes", NULL};

void ait_method_choices_init(ait_method_choices *choices) {
  *choices = (ait_method_choices){.initialisation = -1,
                                  .truncation = -1,
                                  .mapping = -1,
                                  .nesterov = -1,
                                  .hypergradient = -1,
                                  .prox = -1,
                                  .last_steps = -1,
                                  .bda_mu = NAN,
                                  .bda_decay = NAN,
                                  .prox_weight = NAN,
                                  .prox_l2_weight = NAN,
                                  .prox_lower = NAN,
                                  .prox_upper = NAN};
}

/* The first option that is set and that only a proximal function reads, or NULL. */
static const char *prox_number(const ait_method_choices *c) {
  return !isnan(c->prox_weight)      ? "--prox-weight"
         : !isnan(c->prox_l2_weight) ? "--prox-l2-weight"
         : !isnan(c->prox_lower)     ? "--prox-lower"
         : !isnan(c->prox_upper)     ? "--prox-upper"
                                     : NULL;
}

static const char *aggregate_number(const ait_method_choices *c) {
  return !isnan(c->bda_mu) ? "--bda-mu" : !isnan(c->bda_decay) ? "--bda-decay" : NULL;
}

const char *ait_method_choices_first(const ait_method_choices *c) {
  return c->initialisation != -1       ? "--initialisation"
         : c->truncation != -1         ? "--truncation"
         : c->last_steps != -1         ? "--last-steps"
         : c->mapping != -1            ? "--mapping"
         : c->nesterov != -1           ? "--nesterov"
         : c->hypergradient != -1      ? "--hypergradient"
         : aggregate_number(c) != NULL ? aggregate_number(c)
         : c->prox != -1               ? "--prox"
                                       : prox_number(c);
}

static ait_status clash(const char *option, const char *wanted, const char *choice, const char *word) {
  return ait_fail(AIT_INVALID_ARGUMENT, "%s goes with %s, not with %s %s", option, wanted, choice, word);
}

static ait_status apply_truncation(const ait_method_choices *c, ait_method *method) {
  if (c->truncation != -1) {
    method->truncation = (ait_truncation)c->truncation;
    method->last_steps = method->truncation == AIT_TRUNCATION_LAST ? method->last_steps : 0;
  }
  if (c->last_steps == -1) {
    return AIT_OK;
  }
  if (method->truncation != AIT_TRUNCATION_LAST) {
    return clash("--last-steps", "--truncation last", "--truncation", ait_truncation_words[method->truncation]);
  }
  method->last_steps = c->last_steps;
  return AIT_OK;
}

/* The settings of another hyper-gradient are those of its own bundle. */
static void apply_hypergradient(const ait_method_choices *c, ait_method *method) {
  if (c->hypergradient == -1 || c->hypergradient == (int32_t)method->hypergradient) {
    return;
  }
  method->hypergradient = (ait_hypergradient)c->hypergradient;
  method->conjugate_gradient = (ait_conjugate_gradient){0};
  if (method->hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    method->conjugate_gradient.tolerance = 1e-6;
  }
  method->neumann_terms = 0;
  method->difference_epsilon = 0;
}

static ait_status apply_mapping(const ait_method_choices *c, ait_method *method) {
  if (c->mapping != -1 && c->mapping != (int32_t)method->mapping) {
    method->mapping = (ait_mapping)c->mapping;
    method->aggregate = (ait_aggregate){0};
    method->lbfgs = (ait_lbfgs){0};
    if (method->mapping == AIT_MAPPING_AGGREGATE) {
      method->aggregate = (ait_aggregate){.mu = 0.5, .decay = 0.9};
    }
  }
  if (aggregate_number(c) != NULL && method->mapping != AIT_MAPPING_AGGREGATE) {
    return clash(aggregate_number(c), "--mapping aggregate", "--mapping", ait_mapping_words[method->mapping]);
  }
  method->aggregate.mu = !isnan(c->bda_mu) ? c->bda_mu : method->aggregate.mu;
  method->aggregate.decay = !isnan(c->bda_decay) ? c->bda_decay : method->aggregate.decay;
  return AIT_OK;
}

/* A number of a proximal function: given where its kind has one, and only there. */
static ait_status take_weight(const char *option, const char *kinds, const char *word, double given, int32_t wanted,
                              double *weight) {
  if (wanted && isnan(given)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--prox %s needs %s", word, option);
  }
  if (!wanted && !isnan(given)) {
    return clash(option, kinds, "--prox", word);
  }
  *weight = wanted ? given : 0;
  return AIT_OK;
}

static ait_status take_box(const ait_method_choices *c, const char *word, ait_proximal *r) {
  const int32_t given = !isnan(c->prox_lower) || !isnan(c->prox_upper);
  if (r->kind != AIT_PROX_BOX) {
    return given ? clash(!isnan(c->prox_lower) ? "--prox-lower" : "--prox-upper", "--prox box", "--prox", word)
                 : AIT_OK;
  }
  if (!given) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--prox box needs --prox-lower, --prox-upper or both");
  }
  r->lower = !isnan(c->prox_lower) ? c->prox_lower : -INFINITY;
  r->upper = !isnan(c->prox_upper) ? c->prox_upper : INFINITY;
  return r->lower <= r->upper
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "--prox-lower %g is above --prox-upper %g", r->lower, r->upper);
}

static ait_status apply_prox(const ait_method_choices *c, ait_method *method) {
  if (c->prox == -1 && prox_number(c) != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s needs --prox", prox_number(c));
  }
  if (c->prox == -1) {
    return method->mapping == AIT_MAPPING_PROXIMAL
               ? ait_fail(AIT_INVALID_ARGUMENT, "--mapping proximal needs --prox l1, l2, elastic-net or box")
               : AIT_OK;
  }
  const char *word = ait_prox_words[c->prox];
  if (method->mapping != AIT_MAPPING_PROXIMAL && method->mapping != AIT_MAPPING_AGGREGATE) {
    return clash("--prox", "--mapping proximal or aggregate", "--mapping", ait_mapping_words[method->mapping]);
  }
  ait_proximal *r = &method->proximal;
  *r = (ait_proximal){.kind = (ait_prox)(c->prox + 1)};
  AIT_TRY(take_weight("--prox-weight", "--prox l1, l2 or elastic-net", word, c->prox_weight, r->kind != AIT_PROX_BOX,
                      &r->weight));
  AIT_TRY(take_weight("--prox-l2-weight", "--prox elastic-net", word, c->prox_l2_weight,
                      r->kind == AIT_PROX_ELASTIC_NET, &r->l2_weight));
  return take_box(c, word, r);
}

ait_status ait_method_choices_apply(const ait_method_choices *c, ait_method *method) {
  if (c->initialisation != -1) {
    method->initialisation = (ait_initialisation)c->initialisation;
    method->prior_weight = method->initialisation == AIT_INITIALISATION_AUXILIARY ? method->prior_weight : 0;
  }
  if (c->nesterov != -1) {
    method->nesterov = c->nesterov;
  }
  AIT_TRY(apply_truncation(c, method));
  apply_hypergradient(c, method);
  AIT_TRY(apply_mapping(c, method));
  return apply_prox(c, method);
}
