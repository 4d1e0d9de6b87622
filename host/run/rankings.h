/* rankings.h - the cheap rankings that hyper-cleaning has to beat.
 *
 * Every one trains plain classifiers (trainer.h) and doubts a row's given label where they find it improbable. Training
 * stops at the number of steps at which the mean loss on rows left out is least; no figure that needs the truth takes
 * part in any choice. */
#ifndef AIT_RUN_RANKINGS_H
#define AIT_RUN_RANKINGS_H

#include <signal.h>
#include <stdio.h>

#include "run/baseline.h"
#include "run/data.h"
#include "run/folder.h"
#include "run/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ait_ranking_kind {
  AIT_RANKING_VALIDATION,      /* a classifier of the clean validation rows alone */
  AIT_RANKING_CROSS_VALIDATED, /* five folds of the training rows alone: what confident learning starts from */
  AIT_RANKING_OUT_OF_FOLD,     /* the training rows of the other folds and the validation rows */
  AIT_RANKING_PRUNED,          /* the same without the rows that the one before doubts most, trained anew */
  AIT_RANKING_MARGIN,          /* area under the margin: logits of the training rows themselves */
  AIT_RANKING_COUNT
} ait_ranking_kind;

/* What a ranking is trained on, for people. */
extern const char *const ait_ranking_descriptions[];

extern const char *const ait_ranking_words[]; /* "validation", "cross-validated", ..., NULL */

enum { AIT_RANKINGS_SENTENCE = 512 };

/* One ranking of the N training rows. Arrays are NULL where it was not made. */
typedef struct ait_made_ranking {
  int32_t asked, made;
  char failure[AIT_RANKINGS_SENTENCE]; /* why it was asked for and not made; else empty */
  double *score;                       /* higher = more suspect */
  double *given_probability, *suggested_probability;
  int32_t *suggested;
  ait_baseline training; /* steps and rate of the classifiers behind it */
  /* On validation rows that were left out: the chance that the score of a wrong label, any of them alike, is above that
   * of a row's own. NaN for the margin, which ranks no row that was left out. */
  double held_out_auroc;
  ait_ranking figures; /* where the truth is known */
  double accuracy;     /* on the test rows; NaN where there are none, or several classifiers */
  int64_t disagreeing; /* rows whose given label is not the suggested one */
  double with_best;    /* the share of the rows that the best ranking flags which this one flags too, or NaN */
  double seconds;
} ait_made_ranking;

typedef struct ait_rankings {
  ait_context *context;               /* borrowed */
  const ait_clean_settings *settings; /* borrowed */
  const ait_clean_data *data;         /* borrowed */
  int64_t sizes[AIT_MAX_HIDDEN + 2];
  ait_network network;
  int64_t m; /* parameters */
  ait_made_ranking each[AIT_RANKING_COUNT];
  int64_t *orders[AIT_RANKING_COUNT]; /* N: most suspect first */
  int64_t most_steps;
  double estimated_noise; /* NaN where nothing asked for it */
  int64_t pruned;         /* rows that AIT_RANKING_PRUNED left out */
  int32_t best;           /* of the largest held_out_auroc; -1 where none was made */
  int64_t flagged;        /* rows that count as found: mislabelled, or disagreeing with the best ranking */
  int32_t skipped;        /* nonzero: a signal skipped some */
} ait_rankings;

/* Makes the rankings whose entry of `asked` is nonzero, in the order of the enum (pruned brings out-of-fold along), of
 * at most `most_steps` steps each. Steps have the size settings->ll_rate, halved where they diverge. One that cannot be
 * made leaves its sentence; `stop` nonzero skips those left. The rankings have to be freed in any case. Errors:
 * AIT_OUT_OF_MEMORY. */
ait_status ait_rankings_make(ait_context *context, const ait_clean_settings *settings, const ait_clean_data *data,
                             const int32_t asked[AIT_RANKING_COUNT], int64_t most_steps,
                             const volatile sig_atomic_t *stop, ait_rankings *rankings);

void ait_rankings_free(ait_rankings *rankings);

/* The share e of wrong labels for which a classifier of accuracy `accuracy` agrees with the share `agreement` of given
 * labels, where a wrong label is any other class alike: agreement = (1 - e) accuracy + e (1 - accuracy) / (classes -
 * 1). Kept within 0 .. 1; NaN where the classifier is no better than chance. */
double ait_rankings_noise(double accuracy, double agreement, int32_t classes);

/* Adds every row's margin, the logit of its label less the largest other one, to `sum`. The margin is the difference of
 * the logarithms of the probabilities (n x classes), which differ from the logits by one number a row. */
void ait_rankings_add_margins(int64_t n, int32_t classes, const ait_real *probabilities, const int32_t *labels,
                              double *sum);

/* Adds rankings, failures and the estimated share of wrong labels to a JSON object. */
struct cJSON;
void ait_rankings_describe(const ait_rankings *rankings, struct cJSON *object);

/* Writes baseline.json, scores.npy (N x rankings made) and the best ranking's suspects.csv; on failure nothing is left.
 * Errors: those of ait_folder_... */
ait_status ait_rankings_write(const ait_rankings *rankings, ait_folder *folder);

void ait_rankings_print(const ait_rankings *rankings, const char *folder, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
