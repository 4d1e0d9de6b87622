/* labels.c - given against suggested labels, and the learned noise model. */
#include <math.h>

#include "report/html.h"
#include "report/page.h"

static void write_class(const ait_page *page, const ait_report_run *run, int32_t label) {
  char number[16];
  ait_html_name(page->out, ait_report_class(run, label, number));
}

static void write_class_heads(const ait_page *page, const ait_report_run *run, const char *corner, int32_t classes) {
  fprintf(page->out, "<thead><tr><th scope=\"col\">%s</th>", corner);
  for (int32_t c = 0; c < classes; c++) {
    fprintf(page->out, "<th scope=\"col\" class=\"upright\">");
    write_class(page, run, c);
    fprintf(page->out, "</th>");
  }
  fprintf(page->out, "</tr></thead>\n<tbody>\n");
}

/* ---- given against suggested ------------------------------------------------------------------- */

static void write_label_row(const ait_page *page, const ait_report_run *run, int32_t given) {
  const ait_digest *d = &run->digest;
  const int64_t *counts = d->labels + (int64_t)given * d->classes;
  int64_t sum = 0;
  for (int32_t c = 0; c < d->classes; c++) {
    sum += counts[c];
  }
  fprintf(page->out, "<tr><th scope=\"row\">");
  write_class(page, run, given);
  fprintf(page->out, "</th>");
  for (int32_t c = 0; c < d->classes; c++) {
    const double share = sum > 0 ? (double)counts[c] / (double)sum : 0;
    fprintf(page->out, "<td class=\"%s\" style=\"--share:%.3f\">", c == given ? "same" : "other", share);
    ait_page_count(page->out, (double)counts[c]);
    fprintf(page->out, "</td>");
  }
  fprintf(page->out, "</tr>\n");
}

static void write_label_table(const ait_page *page, const ait_report_run *run) {
  ait_page_open_table(page, "Rows by given and suggested label", "matrix");
  write_class_heads(page, run, "given &darr; suggested &rarr;", run->digest.classes);
  for (int32_t given = 0; given < run->digest.classes; given++) {
    write_label_row(page, run, given);
  }
  fprintf(page->out, "</tbody>\n");
  ait_page_close_table(page);
}

static void write_pairs(const ait_page *page, const ait_report_run *run) {
  const ait_digest *d = &run->digest;
  ait_page_open_table(page, "The most frequent changes of a label", "pairs");
  fprintf(page->out,
          "<thead><tr><th scope=\"col\">Given</th><th scope=\"col\">Suggested</th><th scope=\"col\">Rows"
          "</th></tr></thead>\n<tbody>\n");
  for (int32_t i = 0; i < d->pair_count; i++) {
    fprintf(page->out, "<tr><td>");
    write_class(page, run, d->pairs[i].given);
    fprintf(page->out, "</td><td>");
    write_class(page, run, d->pairs[i].suggested);
    fprintf(page->out, "</td><td>");
    ait_page_count(page->out, (double)d->pairs[i].rows);
    fprintf(page->out, "</td></tr>\n");
  }
  fprintf(page->out, "</tbody>\n");
  ait_page_close_table(page);
}

/* ---- the noise model --------------------------------------------------------------------------- */

static void write_noise_model(const ait_page *page, const ait_report_run *run) {
  const char *chosen = ait_report_text(run->result, "chosen");
  const cJSON *arm =
      chosen != NULL ? cJSON_GetObjectItemCaseSensitive(ait_report_item(run->result, "arms"), chosen) : NULL;
  const cJSON *model = ait_report_item(arm, "noise_model"), *chances, *chance;
  const int32_t classes = cJSON_GetArraySize(model);
  if (classes == 0 || classes > AIT_DIGEST_MOST_CLASSES) {
    return;
  }
  ait_page_open_table(page, "Noise model: the chance, in %, that a row of a class carries each label", "matrix");
  write_class_heads(page, run, "class &darr; label &rarr;", classes);
  int32_t row = 0;
  cJSON_ArrayForEach(chances, model) {
    int32_t column = 0;
    fprintf(page->out, "<tr><th scope=\"row\">");
    write_class(page, run, row);
    fprintf(page->out, "</th>");
    cJSON_ArrayForEach(chance, chances) {
      const double share = cJSON_IsNumber(chance) ? chance->valuedouble : NAN;
      fprintf(page->out, "<td class=\"%s\" style=\"--share:%.3f\">", column++ == row ? "same" : "other",
              isnan(share) ? 0 : share);
      ait_page_percent(page->out, share, 1);
      fprintf(page->out, "</td>");
    }
    fprintf(page->out, "</tr>\n");
    row++;
  }
  fprintf(page->out, "</tbody>\n");
  ait_page_close_table(page);
}

/* ---- the section ------------------------------------------------------------------------------- */

static void write_labels_of(const ait_page *page, int64_t i) {
  const ait_report_run *run = &page->source->runs[i];
  const ait_digest *d = &run->digest;
  fprintf(page->out, "<div>\n");
  if (page->source->count > 1) {
    fprintf(page->out, "<h3>");
    ait_page_mark(page, i, 1);
    fprintf(page->out, "</h3>\n");
  }
  fprintf(page->out, "<p>Of ");
  ait_page_count(page->out, (double)d->all_rows);
  fprintf(page->out, " rows, ");
  ait_page_count(page->out, (double)d->disagreeing);
  fprintf(page->out, " get another label suggested than the given one.");
  if (d->wrong > 0) {
    fprintf(page->out, " Of the ");
    ait_page_count(page->out, (double)d->wrong);
    fprintf(page->out, " mislabelled rows, %.1f %% get their true label suggested.",
            100 * (double)d->wrong_made_right / (double)d->wrong);
  }
  fprintf(page->out, "</p>\n<div class=\"matrices\">\n");
  if (d->labels != NULL) {
    write_label_table(page, run);
  } else if (d->pair_count > 0) {
    write_pairs(page, run);
  }
  write_noise_model(page, run);
  fprintf(page->out, "</div>\n</div>\n");
}

void ait_page_labels(const ait_page *page) {
  if (page->source->shown == 0) {
    return;
  }
  ait_page_open(page, "labels", "Given and suggested labels");
  fprintf(page->out, "<div class=\"side-by-side wide\">\n");
  for (int64_t i = 0; i < page->source->shown; i++) {
    write_labels_of(page, i);
  }
  fprintf(page->out, "</div>\n");
  ait_page_close(page);
}
