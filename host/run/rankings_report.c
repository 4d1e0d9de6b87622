/* rankings_report.c - the files and the summary of the cheap rankings. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "run/document.h"
#include "run/json.h"
#include "run/rankings.h"
#include "run/summary.h"

const char *const ait_ranking_descriptions[] = {[AIT_RANKING_VALIDATION] = "validation rows alone",
                                                [AIT_RANKING_CROSS_VALIDATED] = "training rows alone, cross-validated",
                                                [AIT_RANKING_OUT_OF_FOLD] = "both, out of fold",
                                                [AIT_RANKING_PRUNED] = "both, out of fold, pruned",
                                                [AIT_RANKING_MARGIN] = "training rows alone, in-sample margin"};

/* Nonzero: the best ranking is so by validation rows left out, and not for want of another. */
static int32_t is_judged(const ait_rankings *r) {
  return r->best >= 0 && !isnan(r->each[r->best].held_out_auroc);
}

/* ---- files ------------------------------------------------------------------------------------- */

static cJSON *describe_ranking(const ait_rankings *r, int32_t kind) {
  const ait_made_ranking *ranking = &r->each[kind];
  cJSON *item = cJSON_CreateObject();
  cJSON_AddNumberToObject(item, "steps", (double)ranking->training.steps);
  cJSON_AddNumberToObject(item, "rate", ranking->training.rate);
  ait_document_figure(item, "held_out_auroc", ranking->held_out_auroc);
  if (kind == AIT_RANKING_VALIDATION) {
    ait_document_figure(item, "test_accuracy", ranking->accuracy);
  }
  cJSON_AddNumberToObject(item, "disagreeing_rows", (double)ranking->disagreeing);
  if (kind == AIT_RANKING_PRUNED) {
    cJSON_AddNumberToObject(item, "pruned_rows", (double)r->pruned);
  }
  if (r->data->truth != NULL) {
    ait_document_ranking(item, "figures", &ranking->figures);
  }
  cJSON_AddNumberToObject(item, "seconds", ranking->seconds);
  return item;
}

void ait_rankings_describe(const ait_rankings *r, cJSON *object) {
  ait_document_figure(object, "estimated_noise", r->estimated_noise);
  cJSON *rankings = cJSON_AddObjectToObject(object, "rankings"),
        *failures = cJSON_AddObjectToObject(object, "failures");
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (r->each[kind].made) {
      ait_json_add(rankings, ait_ranking_words[kind], describe_ranking(r, kind));
    } else if (r->each[kind].asked) {
      ait_document_text(failures, ait_ranking_words[kind], r->each[kind].failure);
    }
  }
}

static void add_result(cJSON *object, const ait_rankings *r) {
  ait_document_text(object, "best_by_held_out_auroc", is_judged(r) ? ait_ranking_words[r->best] : NULL);
  cJSON_AddNumberToObject(object, "flagged_rows", (double)r->flagged);
  if (r->data->truth != NULL) {
    cJSON_AddNumberToObject(object, "mislabelled_rows", (double)r->data->mislabelled_rows);
  }
  cJSON *columns = cJSON_AddArrayToObject(object, "scores_columns"),
        *shares = cJSON_AddObjectToObject(object, "flagged_by_best_too");
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (r->each[kind].made) {
      ait_json_append(columns, cJSON_CreateString(ait_ranking_words[kind]));
      ait_document_figure(shares, ait_ranking_words[kind], r->each[kind].with_best);
    }
  }
  ait_rankings_describe(r, object);
}

static cJSON *describe(const ait_rankings *r) {
  const ait_clean_settings *s = r->settings;
  cJSON *json = ait_json_begin();
  ait_document_program(json, r->context, s->math);
  cJSON *settings = cJSON_AddObjectToObject(json, "settings");
  ait_document_data(settings, s, r->data);
  ait_document_text(settings, "protocol", s->protocol == AIT_PROTOCOL_PAPER ? "paper" : "user");
  ait_document_text(settings, "model", s->model.text);
  ait_document_text(settings, "activation", ait_activation_words[s->activation]);
  cJSON_AddNumberToObject(settings, "ll_rate", s->ll_rate);
  cJSON_AddNumberToObject(settings, "most_steps", (double)r->most_steps);
  ait_document_seed(settings, s->seed);
  ait_document_rows(json, r->data);
  ait_data_checks_describe(r->data, json);
  add_result(cJSON_AddObjectToObject(json, "result"), r);
  return json;
}

/* One column a ranking made. */
static ait_status write_scores(const ait_rankings *r, const ait_folder *folder) {
  const int64_t n = r->data->train_rows;
  int64_t columns = 0, column = 0;
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    columns += r->each[kind].made;
  }
  double *scores = malloc((size_t)(n * columns) * sizeof *scores);
  if (scores == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the scores of %lld rows", (long long)n);
  }
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    for (int64_t i = 0; r->each[kind].made && i < n; i++) {
      scores[i * columns + column] = r->each[kind].score[i];
    }
    column += r->each[kind].made;
  }
  ait_status status = ait_document_array(folder, "scores.npy", AIT_F64, n, columns, scores);
  free(scores);
  return status;
}

static ait_suspects suspects_of(const ait_rankings *r) {
  const ait_made_ranking *best = &r->each[r->best];
  return (ait_suspects){.data = r->data,
                        .listed = r->each[r->best].disagreeing,
                        .written = r->data->train_rows,
                        .order = r->orders[r->best],
                        .given_probability = best->given_probability,
                        .suggested_probability = best->suggested_probability,
                        .suggested = best->suggested,
                        .score = best->score};
}

static ait_status write_files(const ait_rankings *r, const ait_folder *folder) {
  if (r->best >= 0) {
    const ait_suspects suspects = suspects_of(r);
    AIT_TRY(write_scores(r, folder));
    AIT_TRY(ait_document_suspects(&suspects, folder));
  }
  cJSON *json = describe(r);
  ait_status status = ait_document_write(json, folder, "baseline.json");
  cJSON_Delete(json);
  return status;
}

ait_status ait_rankings_write(const ait_rankings *r, ait_folder *folder) {
  AIT_TRY(ait_folder_begin(folder));
  return ait_folder_finish(folder, write_files(r, folder));
}

/* ---- summary ----------------------------------------------------------------------------------- */

static void print_figures(const ait_rankings *r, FILE *out) {
  ait_summary_ranking_heading(r->data->mislabelled_rows, out);
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (r->each[kind].made) {
      ait_summary_ranking(ait_ranking_descriptions[kind], &r->each[kind].figures, out);
    }
  }
}

/* What can be said of a ranking without the truth. */
static void print_trainings(const ait_rankings *r, FILE *out) {
  fprintf(out, "\nWithout the truth (figures in %%)\n  %-38s %6s %8s %9s %11s %9s\n", "ranking", "steps", "seconds",
          "held out", "disagreeing", "with best");
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    const ait_made_ranking *ranking = &r->each[kind];
    char held_out[16], shared[16], name[48];
    if (ranking->made) {
      snprintf(name, sizeof name, "%s%s", ait_ranking_words[kind],
               kind != r->best ? ""
               : is_judged(r)  ? " (best held out)"
                               : " (used)");
      fprintf(out, "  %-38s %6lld %8.1f %9s %11lld %9s\n", name, (long long)ranking->training.steps, ranking->seconds,
              ait_summary_percent(ranking->held_out_auroc, held_out), (long long)ranking->disagreeing,
              ait_summary_percent(ranking->with_best, shared));
    } else if (ranking->asked) {
      fprintf(out, "  %-38s not made: %s\n", ait_ranking_words[kind], ranking->failure);
    }
  }
  fprintf(
      out,
      "  Held out: chance that a wrong label of a validation row that was left out is doubted more than a right one.\n"
      "  With best: share of the %lld rows most suspect by the ranking that is best held out.\n",
      (long long)r->flagged);
}

static void print_noise(const ait_rankings *r, FILE *out) {
  char text[16];
  if (r->each[AIT_RANKING_OUT_OF_FOLD].made) {
    if (isnan(r->estimated_noise)) {
      fprintf(out,
              "  Estimated share of wrong labels: not known, as rows left out are guessed no better than by chance");
    } else {
      fprintf(out, "  Estimated share of wrong labels: %s %%", ait_summary_percent(r->estimated_noise, text));
    }
    if (r->each[AIT_RANKING_PRUNED].made) {
      fprintf(out, "; pruned: %lld rows (%s)", (long long)r->pruned,
              r->data->truth != NULL ? "as many as are mislabelled" : "as many as the estimate says");
    }
    fprintf(out, ".\n");
  }
}

void ait_rankings_print(const ait_rankings *r, const char *folder, FILE *out) {
  ait_summary_data(r->settings, r->data, out);
  fprintf(out, "Run     cheap rankings, %s classifier", r->settings->model.text);
  ait_summary_device(r->context, r->settings->math, out);
  if (r->data->mislabelled_rows > 0) {
    print_figures(r, out);
  }
  print_trainings(r, out);
  print_noise(r, out);
  if (r->best >= 0) {
    const ait_suspects suspects = suspects_of(r);
    ait_summary_examples(&suspects, out);
    fprintf(out, "\nFiles in %s: suspects.csv (every row, by the ranking %s), scores.npy, baseline.json\n", folder,
            ait_ranking_words[r->best]);
  }
}
