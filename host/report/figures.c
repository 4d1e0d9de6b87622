/* figures.c - the runs, their figures side by side, and the rankings of each beside the cheap ones. */
#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"

/* ---- the runs ---------------------------------------------------------------------------------- */

static void write_text_at(const ait_page *page, const char *before, const cJSON *object, const char *path) {
  const char *text = ait_report_text(object, path);
  if (text != NULL) {
    fputs(before, page->out);
    ait_html_name(page->out, text);
  }
}

static void write_seed(const ait_page *page, const ait_report_run *run) {
  const double seed = ait_report_number(run->settings, "seed");
  if (!isnan(seed)) {
    fprintf(page->out, ", seed %.0f", seed);
  }
}

/* What was learned on which rows, in one sentence. */
static void describe_run(const ait_page *page, const ait_report_run *run) {
  FILE *out = page->out;
  fprintf(out, "<p>%s",
          run->is_baseline     ? "Cheap rankings"
          : run->is_transition ? "Transition cleaning"
                               : "Weights by ");
  if (!run->is_baseline && !run->is_transition) {
    write_text_at(page, "", run->settings, "method");
  }
  write_text_at(page, ", classifier ", run->settings, "model");
  write_text_at(page, "; ", run->settings, "dataset");
  write_text_at(page, "; ", run->settings, "images");
  fprintf(out, ", ");
  ait_page_count(out, ait_report_number(run->settings, "train"));
  fprintf(out, " training rows");
  const double noise = ait_report_number(run->settings, "noise");
  if (!isnan(noise)) {
    write_text_at(page, ", labels made wrong on purpose (", run->settings, "noise_model");
    fprintf(out, " %g)", noise);
  }
  write_seed(page, run);
  fprintf(out, ".</p>\n");
}

static void write_sentences(const ait_page *page, const cJSON *sentences) {
  const cJSON *item;
  cJSON_ArrayForEach(item, sentences) {
    if (cJSON_IsString(item)) {
      fprintf(page->out, "<p class=\"warning\"><strong>Warning:</strong> ");
      ait_html_text(page->out, item->valuestring);
      fprintf(page->out, ".</p>\n");
    }
  }
}

/* What the run itself says against trusting it. */
static void write_warnings(const ait_page *page, const ait_report_run *run) {
  FILE *out = page->out;
  const cJSON *item;
  if (cJSON_IsTrue(ait_report_item(run->result, "stopped"))) {
    fprintf(out,
            "<p class=\"warning\"><strong>Stopped:</strong> a signal ended this run before its last iteration.</p>\n");
  }
  write_sentences(page, ait_report_item(run->document, "data_checks/warnings"));
  write_sentences(page, ait_report_item(run->result, "warnings"));
  cJSON_ArrayForEach(item, ait_report_item(run->result, "side_failures")) {
    if (cJSON_IsString(item)) {
      fprintf(out, "<p class=\"warning\"><strong>Not trained:</strong> the classifier ");
      ait_html_text(out, item->string);
      fprintf(out, ": ");
      ait_html_text(out, item->valuestring);
      fprintf(out, ".</p>\n");
    }
  }
}

void ait_page_runs(const ait_page *page) {
  const ait_report_source *source = page->source;
  if (source->count == 0) {
    return;
  }
  ait_page_open(page, "runs", source->count > 1 ? "Runs" : "Run");
  fprintf(page->out, "<div class=\"side-by-side\">\n");
  for (int64_t i = 0; i < source->shown; i++) {
    fprintf(page->out, "<article class=\"card\">\n<h3>");
    ait_page_mark(page, i, 0);
    ait_html_name(page->out, source->runs[i].name);
    fprintf(page->out, "</h3>\n");
    describe_run(page, &source->runs[i]);
    write_warnings(page, &source->runs[i]);
    fprintf(page->out, "</article>\n");
  }
  fprintf(page->out, "</div>\n");
  if (source->shown < source->count) {
    fprintf(page->out,
            "<p class=\"note\">%lld runs were given. Their figures all stand below; curves, labels and suspects are "
            "those of the first %lld.</p>\n",
            (long long)source->count, (long long)source->shown);
  }
  ait_page_close(page);
}

/* ---- figures side by side ---------------------------------------------------------------------- */

typedef enum figure_kind { PERCENT, PLAIN, COUNT, SECONDS, INTERVAL } figure_kind;

typedef struct figure {
  const char *label;
  double (*value)(const ait_report_run *run, const char *path);
  const char *path;
  figure_kind kind;
} figure;

static double of_settings(const ait_report_run *run, const char *path) {
  return ait_report_number(run->settings, path);
}

static double of_result(const ait_report_run *run, const char *path) {
  return ait_report_number(run->result, path);
}

static double of_baselines(const ait_report_run *run, const char *path) {
  return ait_report_number(run->baselines, path);
}

static double of_ranking(const ait_report_run *run, const char *path) {
  return ait_report_number(ait_page_used_ranking(run), path);
}

static double of_document(const ait_report_run *run, const char *path) {
  return ait_report_number(run->document, path);
}

static double best_cheap(const ait_report_run *run, const char *path) {
  (void)path;
  return ait_page_best_cheap(run);
}

static double ahead(const ait_report_run *run, const char *path) {
  return run->is_baseline ? NAN : ait_report_number(ait_page_used_ranking(run), path) - ait_page_best_cheap(run);
}

static double made_right(const ait_report_run *run, const char *path) {
  (void)path;
  return run->is_shown && run->digest.wrong > 0 ? (double)run->digest.wrong_made_right / (double)run->digest.wrong
                                                : NAN;
}

static double expected(const ait_report_run *run, const char *path) {
  return ait_report_number(ait_report_item(run->result, path), "expected");
}

static const figure figures[] = {
    {"Training rows", of_settings, "train", COUNT},
    {"Clean validation rows", of_settings, "validation", COUNT},
    {"Mislabelled rows", of_result, "mislabelled_rows", COUNT},
    {"Rows flagged", of_result, "flagged_rows", COUNT},
    {"Estimated share of wrong labels, %", of_result, "noise_rate", PERCENT},
    {"Estimated share of wrong labels, by the cheap rankings, %", of_baselines, "estimated_noise", PERCENT},
    {"Mislabelled rows among as many most suspect", of_ranking, "found", COUNT},
    {"AUROC, %", of_ranking, "auroc", PERCENT},
    {"Average precision, %", of_ranking, "average_precision", PERCENT},
    {"F1, %", of_ranking, "f1", PERCENT},
    {"AUROC of the best cheap ranking, %", best_cheap, "", PERCENT},
    {"AUROC ahead of the best cheap ranking, points", ahead, "auroc", PERCENT},
    {"True label suggested, of the mislabelled rows, %", made_right, "", PERCENT},
    {"Expected: rows of the suggested list that are wrong, %", expected, "calibration/precision", INTERVAL},
    {"Expected: wrong rows that are in the suggested list, %", expected, "calibration/recall", INTERVAL},
    {"F at the end", of_result, "F_kbar", PLAIN},
    {"Test accuracy: this run, %", of_result, "test_accuracy/transition", PERCENT},
    {"Test accuracy: this run, y<sub>K</sub>, %", of_result, "test_accuracy/y", PERCENT},
    {"Test accuracy: this run, z, %", of_result, "test_accuracy/z", PERCENT},
    {"Test accuracy: validation rows alone, %", of_result, "test_accuracy/validation_only", PERCENT},
    {"Test accuracy: all rows as given, %", of_result, "test_accuracy/all_rows_as_given", PERCENT},
    {"Test accuracy: rows kept by this run, %", of_result, "test_accuracy/kept_by_this_run", PERCENT},
    {"Test accuracy: rows kept by the baseline, %", of_result, "test_accuracy/kept_by_baseline", PERCENT},
    {"Seconds of cleaning", of_document, "seconds/cleaning", SECONDS},
    {"Seconds of UL iterations", of_document, "seconds/iterations", SECONDS},
    {"Seconds of what stands beside the run", of_document, "seconds/evaluation", SECONDS}};

static void write_figure(FILE *out, const figure *f, double value) {
  if (isnan(value)) {
    fputs("&ndash;", out);
  } else if (f->kind == PERCENT || f->kind == INTERVAL) {
    ait_page_percent(out, value, f->kind == PERCENT ? 2 : 1);
  } else if (f->kind == COUNT) {
    ait_page_count(out, value);
  } else {
    fprintf(out, f->kind == SECONDS ? "%.1f" : "%.4f", value);
  }
}

/* The 95 % interval behind an expected share. */
static void write_interval(FILE *out, const ait_report_run *run, const figure *f) {
  const double low = ait_report_number(ait_report_item(run->result, f->path), "low"),
               high = ait_report_number(ait_report_item(run->result, f->path), "high");
  if (f->kind == INTERVAL && !isnan(low) && !isnan(high)) {
    fprintf(out, " <span class=\"spread\">%.1f &hellip; %.1f</span>", 100 * low, 100 * high);
  }
}

/* A figure that no run has is left out. */
static void write_line(const ait_page *page, const figure *f) {
  const ait_report_source *source = page->source;
  int32_t known = 0;
  for (int64_t i = 0; i < source->count; i++) {
    known = known || !isnan(f->value(&source->runs[i], f->path));
  }
  if (!known) {
    return;
  }
  fprintf(page->out, "<tr><th scope=\"row\">%s</th>", f->label);
  for (int64_t i = 0; i < source->count; i++) {
    fprintf(page->out, "<td>");
    write_figure(page->out, f, f->value(&source->runs[i], f->path));
    write_interval(page->out, &source->runs[i], f);
    fprintf(page->out, "</td>");
  }
  fprintf(page->out, "</tr>\n");
}

void ait_page_figures(const ait_page *page) {
  if (page->source->count == 0) {
    return;
  }
  ait_page_open(page, "figures", "Figures");
  ait_page_open_table(page, "Figures of the runs", "figures");
  ait_page_head_of_runs(page, "Figure", page->source->count);
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    write_line(page, &figures[i]);
  }
  fprintf(page->out, "</tbody>\n");
  ait_page_close_table(page);
  ait_page_close(page);
}

/* ---- rankings ---------------------------------------------------------------------------------- */

static void open_ranking(FILE *out, const char *name, const char *note, int32_t is_used) {
  fprintf(out, "<tr%s><th scope=\"row\">", is_used ? " class=\"used\"" : "");
  ait_html_text(out, name);
  fprintf(out, "%s</th>", note);
}

/* A ranking whose truth is known. */
static void write_ranking(FILE *out, const char *name, const char *note, int32_t is_used, const cJSON *figures_of) {
  static const char *const keys[] = {"auroc", "average_precision", "f1", "precision_at_100", "precision_at_1000"};
  if (!cJSON_IsObject(figures_of)) {
    return;
  }
  open_ranking(out, name, note, is_used);
  fprintf(out, "<td>");
  ait_page_count(out, ait_report_number(figures_of, "found"));
  fprintf(out, "</td>");
  for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
    fprintf(out, "<td>");
    ait_page_percent(out, ait_report_number(figures_of, keys[k]), 1);
    fprintf(out, "</td>");
  }
  fprintf(out, "</tr>\n");
}

static void write_own_rankings(FILE *out, const ait_report_run *run) {
  const cJSON *rankings = ait_report_item(run->result, "ranking");
  if (run->is_transition) {
    write_ranking(out, "transition cleaning", " (used)", 1, ait_report_item(rankings, "transition"));
    write_ranking(out, "symmetric noise model alone", "", 0, ait_report_item(run->result, "arms/symmetric/ranking"));
    write_ranking(out, "full noise model alone", "", 0, ait_report_item(run->result, "arms/full/ranking"));
    return;
  }
  static const char *const names[][2] = {
      {"classifier", "doubt of the cleaned classifier"}, {"weight", "weight"}, {"gradient", "gradient"}};
  const char *used = ait_report_text(run->settings, "score");
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    const int32_t is_used = used != NULL && strcmp(used, names[k][0]) == 0;
    write_ranking(out, names[k][1], is_used ? " (used)" : "", is_used, ait_report_item(rankings, names[k][0]));
  }
}

static void write_known(FILE *out, const ait_report_run *run) {
  const char *best = run->is_baseline ? ait_report_text(run->result, "best_by_held_out_auroc") : NULL;
  const cJSON *ranking;
  fprintf(out,
          "<thead><tr><th scope=\"col\">Ranked by</th><th scope=\"col\">Found</th><th scope=\"col\">AUROC</th><th "
          "scope=\"col\">AP</th><th scope=\"col\">F1</th><th scope=\"col\">P@100</th><th scope=\"col\">P@1000</th>"
          "</tr></thead>\n<tbody>\n");
  write_own_rankings(out, run);
  write_ranking(out, "validation rows alone", " (cheap)", 0, ait_report_item(run->result, "ranking/validation_only"));
  cJSON_ArrayForEach(ranking, ait_report_item(run->baselines, "rankings")) {
    const int32_t is_used = best != NULL && strcmp(best, ranking->string) == 0;
    write_ranking(out, ranking->string, is_used ? " (used)" : " (cheap)", is_used, ait_report_item(ranking, "figures"));
  }
  fprintf(out, "</tbody>\n");
}

/* What can be said of a cheap ranking without the truth. */
static void write_unknown(FILE *out, const ait_report_run *run) {
  const cJSON *ranking;
  fprintf(out,
          "<thead><tr><th scope=\"col\">Cheap ranking</th><th scope=\"col\">AUROC on validation rows left out</th><th "
          "scope=\"col\">Rows it disagrees with</th><th scope=\"col\">Steps</th></tr></thead>\n<tbody>\n");
  cJSON_ArrayForEach(ranking, ait_report_item(run->baselines, "rankings")) {
    open_ranking(out, ranking->string, "", 0);
    fprintf(out, "<td>");
    ait_page_percent(out, ait_report_number(ranking, "held_out_auroc"), 1);
    fprintf(out, "</td><td>");
    ait_page_count(out, ait_report_number(ranking, "disagreeing_rows"));
    fprintf(out, "</td><td>");
    ait_page_count(out, ait_report_number(ranking, "steps"));
    fprintf(out, "</td></tr>\n");
  }
  fprintf(out, "</tbody>\n");
}

static void write_verdict(const ait_page *page, const ait_report_run *run) {
  const double ours = ait_report_number(ait_page_used_ranking(run), "auroc"), theirs = ait_page_best_cheap(run);
  if (run->is_baseline || isnan(ours) || isnan(theirs)) {
    return;
  }
  fprintf(page->out, "<p>%s: AUROC %.2f against %.2f.</p>\n",
          ours > theirs   ? "This run ranks better than the best cheap ranking"
          : ours < theirs ? "The best cheap ranking ranks better here than this run"
                          : "The best cheap ranking ranks as well as this run",
          100 * (ours > theirs ? ours : theirs), 100 * (ours > theirs ? theirs : ours));
}

/* How many of a run's suspects are so for the classifier of the validation rows too. */
static void write_agreement(const ait_page *page, const ait_report_run *run) {
  const double flagged = ait_report_number(run->result, "flagged_rows"),
               shared = ait_report_number(run->result, "flagged_by_baseline_too");
  fprintf(page->out, "<p>Which labels are wrong is not known: no figure here was counted on these rows.");
  if (!isnan(flagged) && !isnan(shared)) {
    fprintf(page->out, " Of the %.0f most suspect rows, %.0f are so too for a classifier of the validation rows alone.",
            flagged, shared);
  }
  fprintf(page->out, "</p>\n");
}

static void write_rankings_of(const ait_page *page, int64_t i) {
  const ait_report_run *run = &page->source->runs[i];
  const int32_t known = ait_page_used_ranking(run) != NULL;
  const int32_t cheap = cJSON_GetArraySize(ait_report_item(run->baselines, "rankings")) > 0;
  fprintf(page->out, "<div>\n");
  if (page->source->count > 1) {
    fprintf(page->out, "<h3>");
    ait_page_mark(page, i, 1);
    fprintf(page->out, "</h3>\n");
  }
  if (known || cheap) {
    ait_page_open_table(page, known ? "Rankings of the rows, in %" : "Cheap rankings beside the run", "rankings");
    (known ? write_known : write_unknown)(page->out, run);
    ait_page_close_table(page);
  }
  (known ? write_verdict : write_agreement)(page, run);
  fprintf(page->out, "</div>\n");
}

void ait_page_rankings(const ait_page *page) {
  if (page->source->shown == 0) {
    return;
  }
  ait_page_open(page, "rankings", "Rankings");
  fprintf(page->out,
          "<p class=\"lead\">What cheap means come to always stands beside a run: plain classifiers that doubt a label "
          "where they find it improbable.</p>\n<div class=\"side-by-side wide\">\n");
  for (int64_t i = 0; i < page->source->shown; i++) {
    write_rankings_of(page, i);
  }
  fprintf(page->out, "</div>\n");
  ait_page_close(page);
}
