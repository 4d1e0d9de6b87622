/* method.h - methods are named bundles of choices (docs/derivation.md#the-problem and the sections after it). */
#ifndef AIT_METHOD_H
#define AIT_METHOD_H

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the LL iteration starts. */
typedef enum ait_initialisation {
  AIT_INITIALISATION_FIXED,    /* y_0 = the given z_0, every time */
  AIT_INITIALISATION_WARM,     /* y_0 = y_K of the UL iteration before; how it depends on x is not differentiated */
  AIT_INITIALISATION_AUXILIARY /* y_0 = z_t, learned with dF/dz (initialisation auxiliary) */
} ait_initialisation;

/* Which iterate is differentiated, and how far back. */
typedef enum ait_truncation {
  AIT_TRUNCATION_NONE,        /* kbar = K, all K steps */
  AIT_TRUNCATION_PESSIMISTIC, /* kbar = argmax over 1 <= k <= K of F(x, y_k); ties: the smallest k */
  AIT_TRUNCATION_LAST         /* kbar = K, the last `last_steps` steps only (T-RHG) */
} ait_truncation;

/* How y_{k+1} comes from y_k. */
typedef enum ait_mapping {
  AIT_MAPPING_GRADIENT,  /* y_{k+1} = Proj_Y(y_k - alpha_k grad_y f(x, y_k)) */
  AIT_MAPPING_AGGREGATE, /* the same with (1 - mu_k) grad_y f + mu_k grad_y F for grad_y f (BDA) */
  AIT_MAPPING_LBFGS, /* y_K solves the LL problem to a tolerance, by L-BFGS; each step is one look at f and grad_y f */
  AIT_MAPPING_PROXIMAL /* y_{k+1} = prox_{alpha_k r + [y in Y]}(y_k - alpha_k grad_y f(x, y_k)): the LL problem is
                          that of f + r */
} ait_mapping;

/* Settings of AIT_MAPPING_AGGREGATE: mu_k = mu decay^k. */
typedef struct ait_aggregate {
  double mu;    /* 0 < mu <= 1; bundles take 0.5 */
  double decay; /* 0 < decay <= 1; bundles take 0.9 */
} ait_aggregate;

/* Settings of AIT_MAPPING_LBFGS (docs/derivation.md#l-bfgs). K is the most looks at f that a solve takes; the first is
 * at y_0. Where the problem has no ll_preconditioner, the first step is alpha_0 grad_y f. Y is the whole space, and the
 * hyper-gradient is implicit or none. */
typedef struct ait_lbfgs {
  int64_t history;  /* pairs that are remembered, each 2 states in memory; 0: 10 */
  double tolerance; /* an LL problem is solved when ||grad_y f(x, y)|| <= tolerance ||grad_y f(x, y_0)||;
                       0 <= tolerance < 1; 0: never before K */
} ait_lbfgs;

/* A separable convex function r of y. */
typedef enum ait_prox {
  AIT_PROX_NONE,
  AIT_PROX_L1,          /* r = weight ||y||_1 */
  AIT_PROX_L2,          /* r = weight/2 ||y||^2 */
  AIT_PROX_ELASTIC_NET, /* r = weight ||y||_1 + l2_weight/2 ||y||^2 */
  AIT_PROX_BOX          /* r = 0 where every entry of y is in [lower, upper], else infinite */
} ait_prox;

/* The r of AIT_MAPPING_PROXIMAL; AIT_MAPPING_AGGREGATE takes its prox too where it is not AIT_PROX_NONE. */
typedef struct ait_proximal {
  ait_prox kind;
  double weight, l2_weight; /* > 0, in units of f over y (l1) and of f over y^2 (l2); 0 where the kind has none */
  double lower, upper;      /* of the box: lower <= upper, infinities allowed; 0 with another kind */
} ait_proximal;

/* How dF/dx is computed. */
typedef enum ait_hypergradient {
  AIT_HYPERGRADIENT_REVERSE,            /* reverse accumulation along the trajectory */
  AIT_HYPERGRADIENT_CONJUGATE_GRADIENT, /* implicit, at y_K: H q = grad_y F by conjugate gradient */
  AIT_HYPERGRADIENT_NEUMANN,            /* implicit, at y_K: q by a truncated Neumann series */
  AIT_HYPERGRADIENT_FINITE_DIFFERENCES, /* of one LL step (K = 1): reverse accumulation with J'v and H v as central
                                           differences of grad_x f and grad_y f; needs the oracle ll_x_gradient */
  AIT_HYPERGRADIENT_NONE                /* none: the solver only rolls the LL problem out */
} ait_hypergradient;

/* What conjugate gradient does about a direction p with p'(H + damping I)p <= 0, which there is none of
 * where the LL problem is strictly convex. Such directions are counted in any case. */
typedef enum ait_negative_curvature {
  AIT_NEGATIVE_CURVATURE_CONTINUE, /* goes on as if nothing were the matter; q need not be near a solution */
  AIT_NEGATIVE_CURVATURE_STOP,     /* keeps the q reached before it: 0 where it is the first direction */
  AIT_NEGATIVE_CURVATURE_ERROR     /* the hyper-gradient fails with AIT_DIVERGED, before x is updated */
} ait_negative_curvature;

/* What conjugate gradient scales residuals with. */
typedef enum ait_preconditioner {
  AIT_PRECONDITIONER_NONE,
  AIT_PRECONDITIONER_DIAGONAL, /* the problem's ll_preconditioner at y_K */
  AIT_PRECONDITIONER_MATRIX    /* the problem's ll_precondition at y_K */
} ait_preconditioner;

/* Settings of AIT_HYPERGRADIENT_CONJUGATE_GRADIENT, which solves (H + damping I) q = grad_y F from q = 0. */
typedef struct ait_conjugate_gradient {
  int64_t iterations; /* at most so many, each one product with H; 0: as many as there are LL steps */
  double tolerance;   /* an LL problem is solved when ||grad_y F - (H + damping I) q|| <= tolerance ||grad_y F||;
                         0 <= tolerance < 1 */
  double damping;     /* >= 0, in units of H */
  ait_negative_curvature negative_curvature;
  ait_preconditioner preconditioner;
} ait_conjugate_gradient;

typedef struct ait_method {
  ait_initialisation initialisation;
  ait_truncation truncation;
  int64_t last_steps; /* for AIT_TRUNCATION_LAST; 0: half of K, rounded up */
  ait_mapping mapping;
  ait_aggregate aggregate; /* all 0 with another mapping */
  ait_lbfgs lbfgs;         /* all 0 with another mapping */
  ait_proximal proximal;   /* all 0 with the gradient mapping and L-BFGS */
  int32_t nesterov;        /* nonzero: Nesterov acceleration of the mapping */
  ait_hypergradient hypergradient;
  ait_conjugate_gradient conjugate_gradient; /* all 0 with another hyper-gradient */
  int64_t neumann_terms; /* for AIT_HYPERGRADIENT_NEUMANN, q = alpha sum over 0 <= i < neumann_terms of (I - alpha H)^i
                            grad_y F with alpha the size of the last LL step; 0: as many as there are LL steps */
  double difference_epsilon; /* for AIT_HYPERGRADIENT_FINITE_DIFFERENCES: differences are taken between
                                y + epsilon v / ||v|| and y - epsilon v / ||v||, so it is in units of y and at least the
                                spacing of ait_real's numbers around 1; 0: 0.01 */
  double prior_weight; /* rho >= 0: (rho / 2) ||z - prior||^2 is added to what z descends (not to F: gz stays dF/dz);
                          0: nothing. Needs AIT_INITIALISATION_AUXILIARY. This definition is ours, not the paper's
                          (docs/derivation.md#prior-regularisation) */
} ait_method;

/* The bundle of a name: "iaptt-gm", "ait", "ia-gm", "ia-gm-a", "rhg", "t-rhg", "bda", "ls", "ns", "one-stage".
 * Errors: AIT_INVALID_ARGUMENT (the sentence lists the names there are). */
AIT_API ait_status ait_method_by_name(const char *name, ait_method *method);

/* The i-th name and what it stands for, for listings; NULL past the last. */
AIT_API const char *ait_method_name(int32_t i);
AIT_API const char *ait_method_summary(int32_t i);

/* A count, as the sum of what it grows with:
 * fixed + ll_steps K + kbar kbar + last_steps T + iterations I. */
typedef struct ait_formula {
  int64_t fixed;
  int64_t ll_steps;   /* of K, the number of LL steps */
  int64_t kbar;       /* of kbar, the largest of a batch */
  int64_t last_steps; /* of T, the steps that the truncation to the last ones keeps */
  int64_t iterations; /* of I: conjugate gradient's iterations, or the terms of the Neumann series */
} ait_formula;

/* What a method costs a UL iteration (ait_solver_step), for K >= 2 but with finite differences. A call of an oracle for
 * a batch counts as one. Not counted: F at the start of a run; where Y is bounded, a call of ll_gradient for each step
 * back to a y at a bound, and one for conjugate gradient; where the problem has a preconditioner, L-BFGS's one call of
 * it. L-BFGS takes fewer calls than K, and conjugate gradient fewer than I, where they meet their tolerance. Calls that
 * a problem answers in one piece (ait_plan) do the same work. */
typedef struct ait_cost {
  ait_formula f_calls; /* oracles of f; in hyper-cleaning each is a pass over the training rows */
  ait_formula F_calls; /* oracles of F; in hyper-cleaning each is a pass over the validation rows */
  ait_formula states;  /* y_k that are held in memory */
  ait_formula vectors; /* arrays of batch x m numbers in device memory in all, states among them. SGD; Adam for z needs
                          one more; so does conjugate gradient where Y is bounded, and L-BFGS where the problem has a
                          preconditioner */
} ait_cost;

AIT_API ait_cost ait_method_cost(const ait_method *method);

#ifdef __cplusplus
}
#endif
#endif
