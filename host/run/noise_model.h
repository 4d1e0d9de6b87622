/* noise_model.h - noise models T, T_cg the chance that a row of class c carries label g, fitted to the probabilities
 * that a classifier gives (docs/derivation.md#noise-models), and what they say of single rows. */
#ifndef AIT_RUN_NOISE_MODEL_H
#define AIT_RUN_NOISE_MODEL_H

#include "ait/ait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows with their labels and a classifier's probabilities of the classes, n x classes; everything is borrowed. */
typedef struct ait_noisy_rows {
  int64_t n;
  int32_t classes;
  const ait_real *p;
  const int32_t *labels;
  const int32_t *folds; /* n, or NULL: no row is left out of a fit */
  int32_t left_out;     /* the fold whose rows a fit leaves out */
} ait_noisy_rows;

/* T (classes x classes, its rows add up to 1) by expectation maximisation at fixed probabilities. Every class has
 * `pseudo_counts` > 0 rows more, which follow the symmetric model of the present noise rate: a few let T have any
 * form, very many make it symmetric. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_noise_fit(const ait_noisy_rows *rows, double pseudo_counts, double *chances);

/* likelihoods (n) = log sum_c p_c T_cg of every row under a T that is fitted to the rows of the other folds:
 * `folds` says for every row which of `count` it is in. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_noise_likelihoods(const ait_noisy_rows *rows, const int32_t *folds, int32_t count, double pseudo_counts,
                                 double *likelihoods);

/* *z of T's claim that, in every class, wrong labels are as frequent where the classifier is sure as where it is not:
 * about a standard normal number where that holds, above it with more of them in sure rows. By a score test
 * (docs/derivation.md#noise-models). Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_noise_dependence(const ait_noisy_rows *rows, const double *chances, double *z);

/* The mean chance, 0 .. 1, that a row's label is wrong under T. */
double ait_noise_rate(const ait_noisy_rows *rows, const double *chances);

/* r_c = p_c T_cg / sum_k p_k T_kg of row i, g its label; 0 throughout where that sum is 0. */
void ait_noise_posterior(const ait_noisy_rows *rows, const double *chances, int64_t i, double *posterior);

/* The logarithm of the odds that the label of row i is wrong, log((1 - r_g) / r_g), finite in any case. */
double ait_noise_log_odds(const ait_noisy_rows *rows, const double *chances, int64_t i);

#ifdef __cplusplus
}
#endif
#endif
