/* compare.h - several methods on the same data: the same split, noise and start for all of them at a seed. */
#ifndef AIT_RUN_COMPARE_H
#define AIT_RUN_COMPARE_H

#include <signal.h>
#include <stdio.h>

#include "run/bootstrap.h"
#include "run/folder.h"
#include "run/history.h"
#include "run/rankings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AIT_COMPARE_MOST = 32, AIT_COMPARE_SENTENCE = 512 };

typedef enum ait_contestant_kind {
  AIT_CONTESTANT_METHOD,     /* of weights, by name */
  AIT_CONTESTANT_TRANSITION, /* transition cleaning, which has a budget of its own */
  AIT_CONTESTANT_RANKING
} ait_contestant_kind;

extern const char *const ait_contestant_words[]; /* "method", "transition", "ranking" */

/* Who takes part. */
typedef struct ait_contestant {
  char name[32];
  int32_t kind;    /* an ait_contestant_kind */
  int32_t ranking; /* an ait_ranking_kind, of a ranking */
} ait_contestant;

/* What is compared. A figure that there is none of is NaN. */
typedef enum ait_figure {
  AIT_FIGURE_ACCURACY_Y,    /* on the test rows, 0 .. 1: at y_K after the last UL iteration; a ranking's classifier; the
                               mean of the folds' classifiers of transition cleaning */
  AIT_FIGURE_ACCURACY_Z,    /* at z, where it is learned */
  AIT_FIGURE_ACCURACY_KEPT, /* after the same training on the rows that the ranking keeps and the validation rows */
  AIT_FIGURE_AUROC,         /* of the ranking, where the truth is known */
  AIT_FIGURE_AVERAGE_PRECISION,
  AIT_FIGURE_F1,
  AIT_FIGURE_PRECISION_100,
  AIT_FIGURE_SECONDS, /* of the UL iterations without the figures taken on the way; of all trainings of a ranking */
  AIT_FIGURE_MEMORY,  /* bytes, as ait_memory_peak tells; of all rankings together */
  AIT_FIGURE_COUNT
} ait_figure;

extern const char *const ait_figure_words[]; /* as the files call them */

/* One contestant at one seed. */
typedef struct ait_cell {
  int32_t done;
  char failure[AIT_COMPARE_SENTENCE]; /* why it is not done; else empty */
  double figures[AIT_FIGURE_COUNT];
  int64_t iterations;             /* UL iterations; 0 for a ranking */
  ait_history history;            /* of a method */
  ait_trajectory_plan trajectory; /* of a method */
} ait_cell;

/* The method, seed and output of `clean` are not read, and neither are settings of single methods. */
typedef struct ait_compare_settings {
  ait_clean_settings clean; /* completed */
  ait_contestant contestants[AIT_COMPARE_MOST];
  int32_t count;
  uint64_t *seeds; /* owned */
  int64_t seed_count;
  char against[32]; /* the contestant that the others are held against; empty: see `reference` below */
} ait_compare_settings;

typedef struct ait_comparison {
  ait_context *context;                 /* borrowed */
  const ait_compare_settings *settings; /* borrowed */
  ait_clean_data data;                  /* of the first seed */
  ait_cell *cells;                      /* count x seeds */
  ait_interval means[AIT_COMPARE_MOST][AIT_FIGURE_COUNT];
  ait_interval differences[AIT_COMPARE_MOST][AIT_FIGURE_COUNT]; /* to the reference, over seeds that both have */
  /* The one asked for; else the cheap ranking with the largest mean AUROC (where the truth is not known: accuracy on
   * kept rows), which is chosen with hindsight; else the first contestant. */
  int32_t reference;
  int32_t stopped; /* nonzero: a signal ended it before the last cell */
} ait_comparison;

/* Adds the contestants of a list such as "iaptt-gm,transition,baselines": methods, transition cleaning, rankings, and
 * `baselines` for all rankings.
 * Errors: AIT_INVALID_ARGUMENT (an unknown name, one that stands there twice, too many). */
ait_status ait_compare_parse(const char *text, ait_compare_settings *settings);

/* Runs every contestant at every seed, one after another. What fails leaves its sentence in its cell; `stop` nonzero
 * skips what is left. The comparison has to be freed in any case.
 * Errors: AIT_INVALID_ARGUMENT (nothing could be compared), AIT_OUT_OF_MEMORY, those of loading the first seed's data.
 */
ait_status ait_compare_run(ait_context *context, const ait_compare_settings *settings,
                           const volatile sig_atomic_t *stop, ait_comparison *comparison);

/* The cell of a contestant at a seed, both counted from 0. */
const ait_cell *ait_compare_cell(const ait_comparison *comparison, int32_t contestant, int64_t seed);

/* How many cells have a result. */
int64_t ait_compare_done(const ait_comparison *comparison);

/* Writes compare.json, compare.csv (a row a contestant and seed) and curves.csv (figures along the runs); on failure
 * nothing is left. Errors: those of ait_folder_... */
ait_status ait_compare_write(const ait_comparison *comparison, ait_folder *folder);

void ait_compare_print(const ait_comparison *comparison, const char *folder, FILE *stream);

void ait_compare_free(ait_comparison *comparison);

#ifdef __cplusplus
}
#endif
#endif
