/* noise_model.c - noise models fitted to a classifier's probabilities (docs/derivation.md#noise-models). */
#include "run/noise_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"

enum { MOST_ITERATIONS = 100 };

/* A chance that moves by less is where it will stay, to the digits of a score. */
static const double still = 1e-8;

/* Probabilities below these are as good as 0; the bounds keep logarithms finite. */
static const double least_probability = 1e-12, least_chance = 1e-20;

static double chance_of(const ait_noisy_rows *rows, const double *chances, int64_t i, int64_t c) {
  return (double)rows->p[i * rows->classes + c] * chances[c * rows->classes + rows->labels[i]];
}

void ait_noise_posterior(const ait_noisy_rows *rows, const double *chances, int64_t i, double *posterior) {
  double sum = 0;
  for (int64_t c = 0; c < rows->classes; c++) {
    posterior[c] = chance_of(rows, chances, i, c);
    sum += posterior[c];
  }
  for (int64_t c = 0; c < rows->classes; c++) {
    posterior[c] = sum > least_chance ? posterior[c] / sum : 0;
  }
}

double ait_noise_log_odds(const ait_noisy_rows *rows, const double *chances, int64_t i) {
  const int64_t classes = rows->classes, g = rows->labels[i];
  double right = 0, wrong = 0;
  for (int64_t c = 0; c < classes; c++) {
    const double p = fmax((double)rows->p[i * classes + c], least_probability);
    *(c == g ? &right : &wrong) += p * chances[c * classes + g];
  }
  return log(fmax(wrong, least_chance)) - log(fmax(right, least_chance));
}

double ait_noise_rate(const ait_noisy_rows *rows, const double *chances) {
  double right = 0;
  for (int64_t i = 0; i < rows->n; i++) {
    double sum = 0;
    for (int64_t c = 0; c < rows->classes; c++) {
      sum += chance_of(rows, chances, i, c);
    }
    right += sum > least_chance ? chance_of(rows, chances, i, rows->labels[i]) / sum : 0;
  }
  return 1 - right / (double)rows->n;
}

/* The symmetric model of a noise rate. */
static double symmetric(int64_t classes, double rate, int64_t c, int64_t g) {
  return c == g ? 1 - rate : rate / (double)(classes - 1);
}

/* counts_cg = the expected number of rows of class c with label g. */
static void count_labels(const ait_noisy_rows *rows, const double *chances, double *posterior, double *counts) {
  memset(counts, 0, (size_t)(rows->classes * rows->classes) * sizeof *counts);
  for (int64_t i = 0; i < rows->n; i++) {
    if (rows->folds != NULL && rows->folds[i] == rows->left_out) {
      continue;
    }
    ait_noise_posterior(rows, chances, i, posterior);
    for (int64_t c = 0; c < rows->classes; c++) {
      counts[c * rows->classes + rows->labels[i]] += posterior[c];
    }
  }
}

/* T of the expected counts; returns the largest change. */
static double maximise(int64_t classes, double pseudo_counts, const double *counts, double *chances) {
  double all = 0, right = 0, change = 0;
  for (int64_t k = 0; k < classes * classes; k++) {
    all += counts[k];
    right += k % (classes + 1) == 0 ? counts[k] : 0;
  }
  for (int64_t c = 0; c < classes; c++) {
    double sum = pseudo_counts;
    for (int64_t g = 0; g < classes; g++) {
      sum += counts[c * classes + g];
    }
    for (int64_t g = 0; g < classes; g++) {
      double *chance = &chances[c * classes + g];
      const double next = (counts[c * classes + g] + pseudo_counts * symmetric(classes, 1 - right / all, c, g)) / sum;
      change = fmax(change, fabs(next - *chance));
      *chance = next;
    }
  }
  return change;
}

ait_status ait_noise_fit(const ait_noisy_rows *rows, double pseudo_counts, double *chances) {
  const int64_t classes = rows->classes;
  double *counts = malloc((size_t)(classes * classes + classes) * sizeof *counts);
  if (counts == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a noise model of %lld classes", (long long)classes);
  }
  for (int64_t k = 0; k < classes * classes; k++) {
    chances[k] = symmetric(classes, 0.5, k / classes, k % classes);
  }
  double change = 1;
  for (int t = 0; t < MOST_ITERATIONS && change > still; t++) {
    count_labels(rows, chances, counts + classes * classes, counts);
    change = maximise(classes, pseudo_counts, counts, chances);
  }
  free(counts);
  return AIT_OK;
}

/* Of the rows of the fold that the fit left out. */
static void likelihoods_of_fold(const ait_noisy_rows *rows, const double *chances, double *likelihoods) {
  for (int64_t i = 0; i < rows->n; i++) {
    double sum = 0;
    for (int64_t c = 0; c < rows->classes && rows->folds[i] == rows->left_out; c++) {
      sum += chance_of(rows, chances, i, c);
    }
    if (rows->folds[i] == rows->left_out) {
      likelihoods[i] = log(fmax(sum, least_chance));
    }
  }
}

ait_status ait_noise_likelihoods(const ait_noisy_rows *rows, const int32_t *folds, int32_t count, double pseudo_counts,
                                 double *likelihoods) {
  double *chances = malloc((size_t)(rows->classes * rows->classes) * sizeof *chances);
  ait_status status = chances != NULL ? AIT_OK
                                      : ait_fail(AIT_OUT_OF_MEMORY, "no memory for a noise model of %lld classes",
                                                 (long long)rows->classes);
  ait_noisy_rows others = *rows;
  others.folds = folds;
  for (int32_t fold = 0; fold < count && status == AIT_OK; fold++) {
    others.left_out = fold;
    status = ait_noise_fit(&others, pseudo_counts, chances);
    if (status == AIT_OK) {
      likelihoods_of_fold(&others, chances, likelihoods);
    }
  }
  free(chances);
  return status;
}

/* ---- do errors depend on the row? -------------------------------------------------------------- */

/* How sure the classifier is of row i: the logarithm of the odds of its likeliest class, within bounds. */
static double sureness(const ait_noisy_rows *rows, int64_t i) {
  const double least_rest = 1e-6;
  double largest = 0;
  for (int64_t c = 0; c < rows->classes; c++) {
    largest = fmax(largest, (double)rows->p[i * rows->classes + c]);
  }
  return log(largest / fmax(1 - largest, least_rest));
}

/* terms_c = r_c ([g /= c] - e_c): what row i says of the logit of e_c = 1 - T_cc. */
static void take_terms(const ait_noisy_rows *rows, const double *chances, int64_t i, double *terms) {
  ait_noise_posterior(rows, chances, i, terms);
  for (int64_t c = 0; c < rows->classes; c++) {
    terms[c] *= (rows->labels[i] != c) - (1 - chances[c * (rows->classes + 1)]);
  }
}

/* The mean of sureness in every class, each row with the square of its term; `terms` and `squares` have C entries. */
static void take_centres(const ait_noisy_rows *rows, const double *chances, double *terms, double *squares,
                         double *centres) {
  for (int64_t i = 0; i < rows->n; i++) {
    const double sure = sureness(rows, i);
    take_terms(rows, chances, i, terms);
    for (int64_t c = 0; c < rows->classes; c++) {
      squares[c] += terms[c] * terms[c];
      centres[c] += terms[c] * terms[c] * sure;
    }
  }
  for (int64_t c = 0; c < rows->classes; c++) {
    centres[c] = squares[c] > 0 ? centres[c] / squares[c] : 0;
  }
}

ait_status ait_noise_dependence(const ait_noisy_rows *rows, const double *chances, double *z) {
  const int64_t classes = rows->classes;
  double *terms = calloc((size_t)(3 * classes), sizeof *terms);
  if (terms == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the chances of %lld classes", (long long)classes);
  }
  double *centres = terms + classes;
  double sum = 0, squares = 0;
  take_centres(rows, chances, terms, centres + classes, centres);
  for (int64_t i = 0; i < rows->n; i++) {
    const double sure = sureness(rows, i);
    double score = 0;
    take_terms(rows, chances, i, terms);
    for (int64_t c = 0; c < classes; c++) {
      score += terms[c] * (sure - centres[c]);
    }
    sum += score;
    squares += score * score;
  }
  free(terms);
  *z = squares > 0 ? sum / sqrt(squares) : 0;
  return AIT_OK;
}
