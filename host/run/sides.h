/* sides.h - what stands beside a hyper-cleaning run: classifiers without any weighing of rows, and cheap rankings. */
#ifndef AIT_RUN_SIDES_H
#define AIT_RUN_SIDES_H

#include <signal.h>
#include <stdio.h>

#include "run/baseline.h"
#include "run/data.h"
#include "run/metrics.h"
#include "run/rankings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The classifiers that are trained beside a run. */
typedef enum ait_side {
  AIT_SIDE_VALIDATION,       /* the validation rows alone: the cheap baseline */
  AIT_SIDE_ALL,              /* all training rows with their given labels, and the validation rows */
  AIT_SIDE_KEPT,             /* the rows that the run keeps, and the validation rows */
  AIT_SIDE_KEPT_BY_BASELINE, /* as many rows, kept by the validation-only classifier's ranking */
  AIT_SIDE_COUNT
} ait_side;

extern const char *const ait_side_words[];

enum { AIT_SIDE_SENTENCE = 512 };

/* The run that they stand beside; everything is borrowed. */
typedef struct ait_sided_run {
  ait_context *context;
  const ait_clean_settings *settings;
  const ait_clean_data *data;
  const ait_network *network;
  const int64_t *order; /* N: most suspect first */
  int64_t flagged;      /* rows that count as found */
} ait_sided_run;

/* Figures are NaN where there is none. Start from zeros. */
typedef struct ait_sides {
  ait_baseline training[AIT_SIDE_COUNT];
  double accuracy[AIT_SIDE_COUNT]; /* on the test rows; without such rows the first side alone is trained */
  int32_t trained[AIT_SIDE_COUNT];
  char failure[AIT_SIDE_COUNT][AIT_SIDE_SENTENCE]; /* why a side was not trained; else empty */
  int32_t skipped;                                 /* nonzero: a signal skipped some */
  ait_ranking ranking;                             /* of the validation-only classifier, where the truth is known */
  int64_t shared;                                  /* rows among the flagged of the run and of that ranking */
  int32_t with_rankings;                           /* nonzero: the other cheap rankings were asked for */
  ait_rankings rankings;
  int64_t shared_with[AIT_RANKING_COUNT];
} ait_sides;

/* Trains the sides and, with settings->baselines at AIT_BESIDE_ALL, makes the other cheap rankings. One that cannot be
 * had leaves its sentence; `stop` nonzero skips those left. The sides have to be cleared in any case, before what the
 * run borrows ends. Errors: AIT_OUT_OF_MEMORY. */
ait_status ait_sides_train(const ait_sided_run *run, const volatile sig_atomic_t *stop, ait_sides *sides);

void ait_sides_clear(ait_sides *sides);

/* The largest AUROC of the cheap rankings that were made; NaN where none was. The truth has to be known. */
double ait_sides_best_auroc(const ait_sides *sides);

/* ---- reports ----------------------------------------------------------------------------------- */

struct cJSON;

/* Adds to a result how many rows are flagged, by what rule, and how many of them the baseline flags too. */
void ait_sides_describe_flagged(const ait_sides *sides, const ait_clean_data *data, int64_t flagged,
                                struct cJSON *result);

/* Adds the figures of the validation-only classifier to the run's own. */
void ait_sides_describe_ranking(const ait_sides *sides, struct cJSON *rankings);

/* Adds accuracies to `accuracy`, and trainings, failures and cheap rankings to the result. */
void ait_sides_describe(const ait_sides *sides, struct cJSON *accuracy, struct cJSON *result);

/* The lines of a table of rankings whose truth is known, and what it comes to for a run of AUROC `auroc`. */
void ait_sides_print_rankings(const ait_sides *sides, FILE *stream);
void ait_sides_print_verdict(const ait_sides *sides, double auroc, FILE *stream);

/* How far the cheap rankings agree with a run whose truth is not known. */
void ait_sides_print_agreement(const ait_sides *sides, int64_t flagged, FILE *stream);

/* Lines below the run's own accuracies. */
void ait_sides_print_accuracies(const ait_sides *sides, const ait_clean_data *data, int64_t flagged, FILE *stream);

void ait_sides_print_failures(const ait_sides *sides, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
