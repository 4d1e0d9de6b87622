/* curves.c - what runs were on the way, how they rank, and how weights or scores are spread. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "report/page.h"
#include "run/allocate.h"

static int32_t is_alone(const ait_page *page) {
  return page->source->shown == 1;
}

/* The title of run i's curve: `word` where the run is alone, else its letter, before `word` where `with_word`. */
static void title(const ait_page *page, int64_t i, const char *word, int32_t with_word, ait_plot_series *series) {
  char letter[4];
  if (series == NULL) {
    return;
  }
  ait_page_letter(page, i, letter);
  if (is_alone(page)) {
    snprintf(series->title, sizeof series->title, "%s", word);
  } else {
    snprintf(series->title, sizeof series->title, "%s%s%s", letter, with_word ? ", " : "", with_word ? word : "");
  }
}

/* ---- precision and recall ---------------------------------------------------------------------- */

/* Cheap rankings as points: with as many rows flagged as are wrong, precision and recall both are F1. */
enum { MOST_CHEAP = 8 };

static int64_t cheap_points(const ait_report_run *run, double points[MOST_CHEAP]) {
  int64_t count = 0;
  const cJSON *ranking;
  const double alone = ait_report_number(run->result, "ranking/validation_only/f1");
  if (!isnan(alone)) {
    points[count++] = alone;
  }
  cJSON_ArrayForEach(ranking, ait_report_item(run->baselines, "rankings")) {
    const double f1 = ait_report_number(ranking, "figures/f1");
    if (!isnan(f1) && count < MOST_CHEAP) {
      points[count++] = f1;
    }
  }
  return count;
}

ait_status ait_page_ranking_curves(ait_page *page) {
  const ait_report_source *source = page->source;
  ait_plot plot = ait_plot_of("recall", "precision");
  double points[AIT_REPORT_MOST_SHOWN][MOST_CHEAP];
  plot.x_low = 0;
  plot.x_high = 1;
  plot.y_high = 1.02;
  for (int64_t i = 0; i < source->shown; i++) {
    const ait_digest *d = &source->runs[i].digest;
    title(page, i, "this run", 0, ait_plot_add(&plot, AIT_PLOT_LINE, (int32_t)i, d->points, d->recall, d->precision));
  }
  if (plot.count == 0) {
    return AIT_OK;
  }
  for (int64_t i = 0; i < source->shown; i++) {
    const int64_t count = cheap_points(&source->runs[i], points[i]);
    title(page, i, "cheap rankings", 1,
          ait_plot_add(&plot, AIT_PLOT_POINTS, (int32_t)(is_alone(page) ? 1 : i), count, points[i], points[i]));
  }
  ait_page_open(page, "precision-recall", "Precision and recall");
  AIT_TRY(ait_page_plot(page, &plot,
                        "Precision and recall of mislabelled rows, from the most suspect row on. The points are the "
                        "cheap rankings with as many rows flagged as are mislabelled."));
  ait_page_close(page);
  return AIT_OK;
}

/* ---- what lists are expected to hold ----------------------------------------------------------- */

static void add_expected(ait_plot *plot, const ait_curves *of, int32_t colour, ait_expected_kind kind,
                         const char *word) {
  const double *rows = of->value[AIT_EXPECTED_ROWS];
  ait_plot_series *line = ait_plot_add(plot, AIT_PLOT_LINE, colour, of->count, rows, of->value[kind]);
  snprintf(line->title, sizeof line->title, "%s", word);
  ait_plot_add(plot, AIT_PLOT_DASHED, colour, of->count, rows, of->value[kind + 1]);
  ait_plot_add(plot, AIT_PLOT_DASHED, colour, of->count, rows, of->value[kind + 2]);
}

static ait_status write_expected(ait_page *page, int64_t i) {
  const ait_curves *of = &page->source->runs[i].expected;
  if (of->count == 0) {
    return AIT_OK;
  }
  ait_plot plot = ait_plot_of("most suspect rows listed", "expected share");
  plot.x_low = 0;
  plot.y_low = 0;
  plot.y_high = 1.02;
  add_expected(&plot, of, 0, AIT_EXPECTED_PRECISION, "wrong in the list");
  add_expected(&plot, of, 1, AIT_EXPECTED_RECALL, "of all wrong rows");
  fprintf(page->out, "<div>\n");
  if (page->source->count > 1) {
    fprintf(page->out, "<h3>");
    ait_page_mark(page, i, 1);
    fprintf(page->out, "</h3>\n");
  }
  AIT_TRY(
      ait_page_plot(page, &plot,
                    "The share of a list that is expected to be wrong, and the share of all wrong rows that it is "
                    "expected to hold, with 95 % intervals. Validation rows that stand for training rows tell it."));
  fprintf(page->out, "</div>\n");
  return AIT_OK;
}

ait_status ait_page_expectations(ait_page *page) {
  int32_t any = 0;
  for (int64_t i = 0; i < page->source->shown; i++) {
    any = any || page->source->runs[i].expected.count > 0;
  }
  if (!any) {
    return AIT_OK;
  }
  ait_page_open(page, "expectations", "How long a list to look through");
  fprintf(page->out, "<div class=\"side-by-side\">\n");
  for (int64_t i = 0; i < page->source->shown; i++) {
    AIT_TRY(write_expected(page, i));
  }
  fprintf(page->out, "</div>\n");
  ait_page_close(page);
  return AIT_OK;
}

/* ---- histograms -------------------------------------------------------------------------------- */

static ait_status write_histogram(ait_page *page, int64_t i) {
  const ait_digest *d = &page->source->runs[i].digest;
  double middle[AIT_DIGEST_BARS], right[AIT_DIGEST_BARS], other[AIT_DIGEST_BARS];
  const double width = (d->high - d->low) / AIT_DIGEST_BARS;
  for (int bar = 0; bar < AIT_DIGEST_BARS; bar++) {
    middle[bar] = d->low + (bar + 0.5) * width;
    right[bar] = (double)d->right_bars[bar];
    other[bar] = (double)d->other_bars[bar];
  }
  ait_plot plot = ait_plot_of(d->has_weights ? "learned weight" : "score", "rows");
  plot.bar_width = width;
  plot.x_low = d->low;
  plot.x_high = d->high;
  plot.y_low = 0;
  ait_plot_series *first = ait_plot_add(&plot, AIT_PLOT_BARS, 0, AIT_DIGEST_BARS, middle, right),
                  *second = ait_plot_add(&plot, AIT_PLOT_BARS, 1, AIT_DIGEST_BARS, middle, other);
  snprintf(first->title, AIT_PLOT_TITLE, "%s", d->knows_truth ? "rightly labelled" : "given label suggested");
  snprintf(second->title, AIT_PLOT_TITLE, "%s", d->knows_truth ? "mislabelled" : "another suggested");
  char caption[256];
  snprintf(caption, sizeof caption, "%s, rows %s apart.%s",
           d->has_weights ? "Learned weights of the rows" : "Scores of the rows, the most suspect on the right",
           d->knows_truth ? "with right and with wrong labels" : "whose given label is suggested and others",
           d->has_weights ? "" : " One row in two hundred at either end counts in the last bars.");
  fprintf(page->out, "<div>\n");
  if (page->source->count > 1) {
    fprintf(page->out, "<h3>");
    ait_page_mark(page, i, 1);
    fprintf(page->out, "</h3>\n");
  }
  AIT_TRY(ait_page_plot(page, &plot, caption));
  fprintf(page->out, "</div>\n");
  return AIT_OK;
}

ait_status ait_page_histograms(ait_page *page) {
  if (page->source->shown == 0) {
    return AIT_OK;
  }
  ait_page_open(page, "histograms", "Weights and scores");
  fprintf(page->out, "<div class=\"side-by-side\">\n");
  for (int64_t i = 0; i < page->source->shown; i++) {
    AIT_TRY(write_histogram(page, i));
  }
  fprintf(page->out, "</div>\n");
  ait_page_close(page);
  return AIT_OK;
}

/* ---- along the UL iterations ------------------------------------------------------------------- */

/* One plot: a quantity of history.csv, and perhaps another that a lone run shows beside it. */
typedef struct curve {
  ait_curve_kind kind, second; /* second: AIT_CURVE_COUNT where there is none */
  const char *y_label, *word, *second_word, *caption;
} curve;

static const curve curves[] = {
    {AIT_CURVE_F_KBAR, AIT_CURVE_F_K, "F", "F at y_kbar", "F at y_K",
     "The UL objective F, the mean loss on the validation rows, at every UL iteration."},
    {AIT_CURVE_HELD_OUT_LOSS, AIT_CURVE_COUNT, "loss", "loss", "",
     "The mean loss of y_K on the validation rows held out of F; the run is written as it was where this was least."},
    {AIT_CURVE_ACCURACY_Y, AIT_CURVE_ACCURACY_Z, "accuracy", "at y_K", "at z", "Accuracy on the test rows."},
    {AIT_CURVE_F1, AIT_CURVE_AUROC, "F1, AUROC", "F1", "AUROC", "How well the used score ranks mislabelled rows."},
    {AIT_CURVE_AUROC, AIT_CURVE_COUNT, "AUROC", "AUROC", "", "AUROC of the used score."},
    {AIT_CURVE_KBAR, AIT_CURVE_COUNT, "kbar", "kbar", "",
     "kbar, the LL step with the largest F, at which the trajectory is cut for the hyper-gradient."},
    {AIT_CURVE_SECONDS, AIT_CURVE_COUNT, "seconds", "seconds", "", "Seconds since the start."}};

static ait_status write_curve(ait_page *page, const curve *c) {
  ait_plot plot = ait_plot_of("UL iteration", c->y_label);
  plot.x_low = 0;
  plot.y_low = c->kind == AIT_CURVE_KBAR || c->kind == AIT_CURVE_SECONDS ? 0 : NAN;
  for (int64_t i = 0; i < page->source->shown; i++) {
    const ait_curves *of = &page->source->runs[i].curves;
    const ait_plot_style style = c->kind == AIT_CURVE_KBAR ? AIT_PLOT_POINTS : AIT_PLOT_LINE;
    title(page, i, c->word, 0,
          ait_plot_add(&plot, style, (int32_t)i, of->count, of->value[AIT_CURVE_T], of->value[c->kind]));
    if (is_alone(page) && c->second < AIT_CURVE_COUNT) {
      title(page, i, c->second_word, 0,
            ait_plot_add(&plot, AIT_PLOT_DASHED, 1, of->count, of->value[AIT_CURVE_T], of->value[c->second]));
    }
  }
  return ait_page_plot(page, &plot, c->caption);
}

/* Nonzero where a run that is shown has numbers of that kind. */
static int32_t has_curve(const ait_page *page, ait_curve_kind kind) {
  int32_t found = 0;
  for (int64_t i = 0; i < page->source->shown; i++) {
    const ait_curves *of = &page->source->runs[i].curves;
    for (int64_t t = 0; t < of->count && !found; t++) {
      found = isfinite(of->value[kind][t]) != 0;
    }
  }
  return found;
}

/* ---- how often each kbar ----------------------------------------------------------------------- */

static ait_status write_kbar_counts(ait_page *page, int64_t i) {
  const cJSON *counts = ait_report_item(page->source->runs[i].result, "kbar_counts"), *item;
  const int32_t size = cJSON_GetArraySize(counts);
  if (size == 0) {
    return AIT_OK;
  }
  double *numbers;
  AIT_TRY(ait_allocate(2 * size, sizeof *numbers, &numbers));
  int64_t count = 0;
  cJSON_ArrayForEach(item, counts) {
    numbers[count] = strtod(item->string, NULL);
    numbers[size + count++] = cJSON_IsNumber(item) ? item->valuedouble : NAN;
  }
  char letter[4], caption[128];
  ait_plot plot = ait_plot_of("kbar", "UL iterations");
  ait_page_letter(page, i, letter);
  plot.bar_width = 0.9;
  plot.x_low = 0;
  plot.y_low = 0;
  plot.x_high = fmax(ait_report_number(page->source->runs[i].settings, "ll_steps"), numbers[count - 1]) + 1;
  ait_plot_add(&plot, AIT_PLOT_BARS, (int32_t)i, count, numbers, numbers + size);
  snprintf(caption, sizeof caption, "How many UL iterations chose each kbar%s%s.", letter[0] != '\0' ? ", run " : "",
           letter);
  const ait_status status = ait_page_plot(page, &plot, caption);
  free(numbers);
  return status;
}

/* ---- the paths of noise models ----------------------------------------------------------------- */

/* What is drawn of the points of a path, [log lambda, logit e, F] of the symmetric arm and [log lambda, F] of the full
 * one. */
typedef enum path_part { PATH_F, PATH_RATE, PATH_LAMBDA } path_part;

static double part_of(const cJSON *point, path_part part) {
  const int32_t size = cJSON_GetArraySize(point);
  const cJSON *number = cJSON_GetArrayItem(point, part == PATH_F ? size - 1 : part == PATH_RATE ? 1 : 0);
  if (!cJSON_IsNumber(number) || (part == PATH_RATE && size < 3)) {
    return NAN;
  }
  const double x = number->valuedouble;
  return part == PATH_F ? x : part == PATH_RATE ? 1 / (1 + exp(-x)) : x / log(10);
}

/* The numbers of the points and, behind these, their parts; NULL where there is no such path. */
static ait_status take_path(const ait_report_run *run, const char *arm, path_part part, int64_t *count,
                            double **numbers) {
  char key[64];
  const cJSON *point;
  snprintf(key, sizeof key, "arms/%s/path", arm);
  const cJSON *path = ait_report_item(run->result, key);
  const int64_t size = cJSON_GetArraySize(path);
  *count = 0;
  *numbers = NULL;
  if (size == 0) {
    return AIT_OK;
  }
  AIT_TRY(ait_allocate(2 * size, sizeof **numbers, numbers));
  cJSON_ArrayForEach(point, path) {
    (*numbers)[*count] = (double)*count;
    (*numbers)[size + *count] = part_of(point, part);
    ++*count;
  }
  return AIT_OK;
}

enum { ARMS = 2 };
static const char *const arms[ARMS] = {"symmetric", "full"};

typedef struct path_plot {
  path_part part;
  const char *y_label, *caption;
} path_plot;

static const path_plot path_plots[] = {
    {PATH_F, "F",
     "The UL objective F along both noise models: the cross-entropy of validation rows left out, and the prior. The "
     "full "
     "model begins anew once, after its second fit."},
    {PATH_RATE, "e", "The noise rate e with which the symmetric model trains best; it is no estimate of the noise."},
    {PATH_LAMBDA, "log10 lambda", "The penalty lambda of the classifiers' weights."}};

static ait_status add_paths(const ait_page *page, path_part part, double *paths[][ARMS], ait_plot *plot) {
  for (int64_t i = 0; i < page->source->shown; i++) {
    for (int32_t arm = 0; arm < (part == PATH_RATE ? 1 : ARMS); arm++) {
      int64_t count;
      AIT_TRY(take_path(&page->source->runs[i], arms[arm], part, &count, &paths[i][arm]));
      title(page, i, arms[arm], 1,
            ait_plot_add(plot, arm == 0 ? AIT_PLOT_LINE : AIT_PLOT_DASHED, (int32_t)(is_alone(page) ? arm : i), count,
                         paths[i][arm], count > 0 ? paths[i][arm] + count : NULL));
    }
  }
  return AIT_OK;
}

static ait_status write_paths(ait_page *page, const path_plot *of) {
  double *paths[AIT_REPORT_MOST_SHOWN][ARMS] = {{NULL}};
  ait_plot plot = ait_plot_of("point of the path", of->y_label);
  plot.x_low = 0;
  ait_status status = add_paths(page, of->part, paths, &plot);
  if (status == AIT_OK && plot.count > 0) {
    status = ait_page_plot(page, &plot, of->caption);
  }
  for (int64_t i = 0; i < page->source->shown; i++) {
    free(paths[i][0]);
    free(paths[i][1]);
  }
  return status;
}

/* ---- the section ------------------------------------------------------------------------------- */

static ait_status write_curves(ait_page *page) {
  for (size_t c = 0; c < sizeof path_plots / sizeof *path_plots; c++) {
    AIT_TRY(write_paths(page, &path_plots[c]));
  }
  for (size_t c = 0; c < sizeof curves / sizeof *curves; c++) {
    const int32_t beside = curves[c].kind == AIT_CURVE_AUROC && is_alone(page); /* it stands beside F1 then */
    if (!beside && has_curve(page, curves[c].kind)) {
      AIT_TRY(write_curve(page, &curves[c]));
    }
  }
  for (int64_t i = 0; i < page->source->shown; i++) {
    AIT_TRY(write_kbar_counts(page, i));
  }
  return AIT_OK;
}

ait_status ait_page_curves(ait_page *page) {
  int32_t any = 0;
  for (int64_t i = 0; i < page->source->shown; i++) {
    any = any || page->source->runs[i].is_transition || page->source->runs[i].curves.count > 0;
  }
  if (!any) {
    return AIT_OK;
  }
  ait_page_open(page, "curves", "On the way");
  fprintf(page->out, "<div class=\"drawings\">\n");
  AIT_TRY(write_curves(page));
  fprintf(page->out, "</div>\n");
  ait_page_close(page);
  return AIT_OK;
}
