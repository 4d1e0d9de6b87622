/* sides_report.c - what run.json and the summary say of the classifiers and the cheap rankings beside a run. */
#include <math.h>

#include "run/document.h"
#include "run/sides.h"
#include "run/summary.h"

/* ---- run.json ---------------------------------------------------------------------------------- */

void ait_sides_describe_flagged(const ait_sides *s, const ait_clean_data *data, int64_t flagged, cJSON *result) {
  cJSON_AddNumberToObject(result, "flagged_rows", (double)flagged);
  ait_document_text(result, "flagged_rule",
                    data->truth != NULL ? "as many as are mislabelled" : "given label is not the suggested one");
  if (s->trained[AIT_SIDE_VALIDATION]) {
    cJSON_AddNumberToObject(result, "flagged_by_baseline_too", (double)s->shared);
  }
  if (data->truth != NULL) {
    cJSON_AddNumberToObject(result, "mislabelled_rows", (double)data->mislabelled_rows);
  }
}

void ait_sides_describe_ranking(const ait_sides *s, cJSON *rankings) {
  if (s->trained[AIT_SIDE_VALIDATION]) {
    ait_document_ranking(rankings, "validation_only", &s->ranking);
  }
}

void ait_sides_describe(const ait_sides *s, cJSON *accuracy, cJSON *result) {
  cJSON *trained = cJSON_AddObjectToObject(result, "side_classifiers"),
        *failures = cJSON_AddObjectToObject(result, "side_failures");
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    ait_document_figure(accuracy, ait_side_words[side], s->accuracy[side]);
    if (s->trained[side]) {
      cJSON *item = cJSON_AddObjectToObject(trained, ait_side_words[side]);
      cJSON_AddNumberToObject(item, "steps", (double)s->training[side].steps);
      cJSON_AddNumberToObject(item, "rate", s->training[side].rate);
    }
    if (s->failure[side][0] != '\0') {
      ait_document_text(failures, ait_side_words[side], s->failure[side]);
    }
  }
  if (s->with_rankings) {
    ait_rankings_describe(&s->rankings, cJSON_AddObjectToObject(result, "baselines"));
  }
}

/* ---- where the truth is known ------------------------------------------------------------------ */

void ait_sides_print_rankings(const ait_sides *s, FILE *out) {
  if (s->trained[AIT_SIDE_VALIDATION]) {
    ait_summary_ranking("baseline: validation rows alone", &s->ranking, out);
  }
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (s->rankings.each[kind].made) {
      char name[64];
      snprintf(name, sizeof name, "baseline: %s", ait_ranking_words[kind]);
      ait_summary_ranking(name, &s->rankings.each[kind].figures, out);
    }
  }
}

double ait_sides_best_auroc(const ait_sides *s) {
  double best = s->trained[AIT_SIDE_VALIDATION] ? s->ranking.auroc : NAN;
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (s->rankings.each[kind].made) {
      best = fmax(best, s->rankings.each[kind].figures.auroc); /* fmax leaves NaN out */
    }
  }
  return best;
}

void ait_sides_print_verdict(const ait_sides *s, double auroc, FILE *out) {
  const double theirs = ait_sides_best_auroc(s);
  const char *which = s->with_rankings ? "best cheap" : "cheap";
  if (auroc > theirs) {
    fprintf(out, "  This run ranks better than the %s baseline: AUROC %.2f against %.2f.\n", which, 100 * auroc,
            100 * theirs);
  } else if (theirs > auroc) {
    fprintf(out, "  The %s baseline ranks better here: AUROC %.2f against %.2f of this run.\n", which, 100 * theirs,
            100 * auroc);
  }
}

/* ---- where it is not --------------------------------------------------------------------------- */

void ait_sides_print_agreement(const ait_sides *s, int64_t flagged, FILE *out) {
  if (s->trained[AIT_SIDE_VALIDATION] && flagged > 0) {
    fprintf(out, "  %lld of the %lld most suspect are so too for a classifier trained on the validation rows alone\n",
            (long long)s->shared, (long long)flagged);
  }
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT && flagged > 0; kind++) {
    if (s->rankings.each[kind].made) {
      fprintf(out, "  %lld are so too for the cheap ranking %s (%s)\n", (long long)s->shared_with[kind],
              ait_ranking_words[kind], ait_ranking_descriptions[kind]);
    }
  }
}

/* ---- accuracies and failures ------------------------------------------------------------------- */

static const char *const names[] = {"validation rows alone", "all rows as given + validation rows",
                                    "rows kept by this run + validation rows",
                                    "rows kept by the baseline + validation rows"};

void ait_sides_print_accuracies(const ait_sides *s, const ait_clean_data *data, int64_t flagged, FILE *out) {
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    char name[80];
    snprintf(name, sizeof name, "trained on %s%s", names[side], side == AIT_SIDE_VALIDATION ? " (baseline)" : "");
    ait_summary_accuracy(name, s->accuracy[side], out);
  }
  if (!isnan(s->accuracy[AIT_SIDE_KEPT])) {
    fprintf(out, "  Kept: the %lld least suspect rows (%s).\n", (long long)(data->train_rows - flagged),
            data->truth != NULL ? "as many as are rightly labelled" : "as many as agree with the classifier");
  }
}

void ait_sides_print_failures(const ait_sides *s, FILE *out) {
  static const char heading[] = "\nClassifiers beside the run\n";
  int printed = 0;
  for (int side = 0; side < AIT_SIDE_COUNT; side++) {
    if (s->failure[side][0] != '\0') {
      fprintf(out, "%s  %s: not trained: %s\n", printed++ == 0 ? heading : "", names[side], s->failure[side]);
    }
  }
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    const ait_made_ranking *ranking = &s->rankings.each[kind];
    if (ranking->asked && !ranking->made) {
      fprintf(out, "%s  cheap ranking %s: not made: %s\n", printed++ == 0 ? heading : "", ait_ranking_words[kind],
              ranking->failure);
    }
  }
}
