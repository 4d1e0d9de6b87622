/* problems.h - the problems that come with the library. */
#ifndef AIT_PROBLEMS_H
#define AIT_PROBLEMS_H

#include "ait/matrix.h"
#include "ait/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The paper's one-dimensional example with a non-convex LL objective: f = -sin(x y), F = x + x y,
 * X = [1, 10], Y = [-2, 2], n = m = 1. Solution: x = 11 pi / 4, y = -2. */
AIT_API ait_status ait_problem_create_toy(ait_context *context, ait_problem **problem);

/* The paper's example whose LL objective is convex but has many minimisers: y = (y1, y2), m = 2n,
 * f = 1/2 ||y1||^2 - x' y1, F = ||x - y2||^4 + ||y1 - e||^4, e the vector of ones. Solution: x = e. */
AIT_API ait_status ait_problem_create_convex(ait_context *context, int64_t n, ait_problem **problem);

/* The paper's high-dimensional non-convex example: x scalar, f = sum_i sin(x + y_i - c_i),
 * F = (x - a)^2 + ||y - a - c||^2. `c` has m entries (host, copied). */
AIT_API ait_status ait_problem_create_sinusoid(ait_context *context, int64_t m, double a, const double *c,
                                               ait_problem **problem);

typedef enum ait_activation {
  AIT_ACTIVATION_NONE, /* linear and deep linear classifiers */
  AIT_ACTIVATION_RELU, /* relu'(0) = 0, relu'' = 0 */
  AIT_ACTIVATION_TANH
} ait_activation;

/* A classifier: layers of sizes[0] = features, hidden layers, sizes[layers] = classes. Its
 * parameters y are laid out as PyTorch's Linear layers are: W_1 (sizes[1] x sizes[0], row-major),
 * b_1, W_2, b_2, ... */
typedef struct ait_network {
  int32_t layers;            /* weight matrices, >= 1 */
  const int64_t *sizes;      /* layers + 1 entries */
  ait_activation activation; /* after every layer but the last */
} ait_network;

/* The number m of parameters. */
AIT_API int64_t ait_network_parameters(const ait_network *network);

/* PyTorch's default start: every entry of W_l and b_l uniform in +-1/sqrt(sizes[l-1]), drawn by
 * seed; `y` has m entries. The same seed gives the same values in both precisions up to rounding. */
AIT_API void ait_network_initialise(const ait_network *network, uint64_t seed, ait_real *y);

/* One hyper-cleaning data set: noisy training rows and clean validation rows. Labels are in
 * 0 .. classes - 1. Everything is borrowed, must outlive the problem and stay unchanged meanwhile. A device that reads
 * rows faster in another place copies them, once for all problems of its context that read one matrix: a GPU all
 * matrices; the CPU, for networks without activations, with AMX those of 8-bit rows that fit into 64 MiB together, and
 * without AMX, but with AVX2 or AVX-512, in float, those of 8-bit rows of at most 256 MiB each that have many zeros, as
 * pictures do: without most of these. Such a copy is at most about as large as its rows. */
typedef struct ait_cleaning_entry {
  const ait_matrix *train; /* N x D */
  const int32_t *train_labels;
  const ait_matrix *validation; /* M x D */
  const int32_t *validation_labels;
} ait_cleaning_entry;

/* Data hyper-cleaning: w_i = sigmoid(x_i),
 *     f = (1/N) sum_i w_i CE_i(train; y),   F = (1/M) sum_j CE_j(validation; y).
 * A batch holds several independent data sets of one network; x is then the entries' x end to end.
 * The network is copied. Without activation the data pass is folded (docs/derivation.md#deep-linear): the cost
 * does not grow with the hidden layers.
 * Errors: AIT_INVALID_ARGUMENT (sizes that do not fit), AIT_BAD_DATA (a label out of range: the
 * sentence names the row), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_problem_create_cleaning(ait_context *context, const ait_network *network, int64_t batch,
                                               const ait_cleaning_entry *entries, ait_problem **problem);

/* Where the chances T_cg that a row of class c carries label g come from. */
typedef enum ait_transition_noise {
  AIT_TRANSITION_SYMMETRIC, /* T(e): 1 - e for the right label, e / (C - 1) for each other; x = (log lambda, logit e) */
  AIT_TRANSITION_GIVEN,     /* from `chances`; x = (log lambda) */
  AIT_TRANSITION_NONE       /* the labels are taken as they are; x = (log lambda) */
} ait_transition_noise;

/* The leading principal axes of rows: the eigenvectors of (1/N) U'U with the largest eigenvalues. */
typedef struct ait_axes {
  int64_t features, count;
  ait_real *vectors; /* count x features: of length 1, that of the largest eigenvalue first */
  double *squares;   /* count: their eigenvalues, which are the mean squares of the rows' coordinates along them */
  double rest;       /* the mean of the other eigenvalues; 0 where there are none */
} ait_axes;

enum { AIT_MOST_FEATURES_OF_AXES = 4096 };

/* Takes up to `most` >= 1 axes of up to 8,192 rows that are evenly spaced among all, on the host, in 4/3 D^3
 * operations for D features. The caller frees them with ait_axes_free, also after a failure.
 * Errors: AIT_INVALID_ARGUMENT (no axes, too many features), AIT_OUT_OF_MEMORY, AIT_BAD_DATA (numbers that are not
 * finite). */
AIT_API ait_status ait_axes_take(const ait_matrix *rows, int64_t most, ait_axes *axes);
AIT_API void ait_axes_free(ait_axes *axes);

/* Rows for transition cleaning. Everything is borrowed, must outlive the problem and stay unchanged meanwhile, but for
 * weights, folds, chances and axes, which are copied. Labels are in 0 .. classes - 1. */
typedef struct ait_transition {
  const ait_matrix *train; /* N x D: rows whose labels may be wrong; NULL: there are none */
  const int32_t *train_labels;
  const ait_real *weights;      /* N numbers >= 0 that weigh the training rows, or NULL: 1 each */
  const ait_matrix *validation; /* M x D: rows whose labels are right */
  const int32_t *validation_labels;
  int32_t folds;                                 /* B >= 1, at most M; with B = 1 no row is left out */
  const int32_t *train_folds, *validation_folds; /* N, M: each row's fold, 0 .. B - 1; NULL: row i is in i mod B */
  ait_transition_noise noise;
  const double *chances; /* C x C for AIT_TRANSITION_GIVEN: T_cg >= 0, of which each label g needs one > 0 */
  double prior_lambda;   /* centre lambda_0 > 0 of the prior, where there is one */
  double prior_strength; /* tau >= 0; 0: no prior */
  const ait_axes *axes;  /* of the training rows, for a linear classifier; or NULL: its preconditioner is diagonal */
} ait_transition;

/* Transition cleaning (docs/derivation.md#transition-cleaning): p are the chances that the network, which is copied,
 * gives the classes, y its parameters, and W_j the weight matrices of problem j's, without the biases. LL problem
 * j = 0 .. B - 1 leaves out fold j of both kinds of rows:
 *     f_j = mean over the rows kept of [ -w_i log sum_c p_c T_cg for a training row with label g, CE for a
 *           validation row ] + lambda/2 ||W_j||^2
 *     F_j = (1/M) sum of CE over the validation rows left out + tau/(B M) (log lambda - log lambda_0)^2
 * so that the UL objective is the mean held-out CE, plus the prior. With a single layer there is a preconditioner:
 * diagonal, with 1 / (0.05 mean u^2 + lambda) for every column u of the rows (and u = 1 for the biases), or with axes
 * 1 / (0.05 square + lambda) along each of these and 1 / (0.05 rest + lambda) across them.
 * Errors: AIT_INVALID_ARGUMENT (sizes or settings that do not fit), AIT_BAD_DATA (a label out of range),
 * AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_problem_create_transition(ait_context *context, const ait_network *network,
                                                 const ait_transition *from, ait_problem **problem);

/* Adds one smoothed l_q term (ait_problem_add_lq) for the weight matrix W_l of every layer of `network`, whose
 * parameters the problem's y holds; biases have none.
 * Errors: AIT_INVALID_ARGUMENT (a number that is off, a network of another size), AIT_OUT_OF_MEMORY. */
AIT_API ait_status ait_problem_add_network_lq(ait_problem *problem, const ait_network *network, double weight, double q,
                                              double epsilon);

/* A network's predictions on rows that stay on the device, for metrics. */
typedef struct ait_predictor ait_predictor;

/* `rows` (N x sizes[0]) is borrowed and must outlive the predictor; the network is copied. */
AIT_API ait_status ait_predictor_create(ait_context *context, const ait_network *network, const ait_matrix *rows,
                                        ait_predictor **predictor);

/* Class probabilities of every row under parameters `y` (host, m entries): N x classes, host. */
AIT_API ait_status ait_predictor_probabilities(ait_predictor *predictor, const ait_real *y, ait_real *probabilities);

/* The share of rows, 0 .. 1, whose most probable class (ties: the smallest) is their label. */
AIT_API ait_status ait_predictor_accuracy(ait_predictor *predictor, const ait_real *y, const int32_t *labels,
                                          double *accuracy);

AIT_API void ait_predictor_destroy(ait_predictor *predictor); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
