/* parts.c - what the sections of a page are put together from. */
#include <math.h>
#include <string.h>

#include "context/error.h"
#include "report/html.h"
#include "report/page.h"

void ait_page_open(const ait_page *page, const char *anchor, const char *heading) {
  ait_page_contents *contents = page->contents;
  contents->anchor[contents->count] = anchor;
  contents->heading[contents->count++] = heading;
  fprintf(page->out, "\n<section id=\"%s\">\n<h2>%s</h2>\n", anchor, heading);
}

void ait_page_close(const ait_page *page) {
  fprintf(page->out, "</section>\n");
}

void ait_page_letter(const ait_page *page, int64_t i, char letter[4]) {
  letter[0] = '\0';
  if (page->source->count > 1 && i < page->source->shown) {
    snprintf(letter, 4, "%c", (char)('A' + i));
  }
}

void ait_page_mark(const ait_page *page, int64_t i, int32_t named) {
  char letter[4];
  if (page->source->count == 1) {
    return;
  }
  ait_page_letter(page, i, letter);
  if (letter[0] != '\0') {
    fprintf(page->out, "<span class=\"mark s%d\">%s</span> ", (int)(i % AIT_PLOT_COLOURS), letter);
  }
  if (named) {
    ait_html_name(page->out, page->source->runs[i].name);
  }
}

void ait_page_open_table(const ait_page *page, const char *caption, const char *style_class) {
  fprintf(page->out,
          "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n<table class=\"%s\">\n"
          "<caption>%s</caption>\n",
          caption, style_class, caption);
}

void ait_page_close_table(const ait_page *page) {
  fprintf(page->out, "</table>\n</div>\n");
}

void ait_page_percent(FILE *out, double share, int digits) {
  if (isnan(share)) {
    fputs("&ndash;", out);
  } else {
    fprintf(out, "%.*f", digits, 100 * share);
  }
}

void ait_page_count(FILE *out, double number) {
  char digits[64];
  if (isnan(number)) {
    fputs("&ndash;", out);
    return;
  }
  snprintf(digits, sizeof digits, "%.0f", number);
  const size_t length = strlen(digits);
  for (size_t i = 0; i < length; i++) {
    fputc(digits[i], out);
    if (length > 4 && i + 1 < length && (length - i) % 3 == 1 && digits[i] != '-') {
      fputs("&#8239;", out);
    }
  }
}

/* ---- plots ------------------------------------------------------------------------------------- */

/* Where gnuplot is not there, or draws nothing, the page says so in every place; the rest of it stands. */
static ait_status write_plot(ait_page *page, const ait_plot *plot, const char *caption) {
  char name[24];
  snprintf(name, sizeof name, "drawing_%d", ++page->drawings);
  if (page->no_curves[0] == '\0') {
    const ait_status status = ait_plot_write(plot, name, caption, page->out);
    if (status != AIT_NOT_FOUND && status != AIT_UNSUPPORTED) {
      return status;
    }
    snprintf(page->no_curves, sizeof page->no_curves, "%s", ait_last_error());
  }
  fprintf(page->out, "<p class=\"note\">No drawing here: ");
  ait_html_text(page->out, page->no_curves);
  fprintf(page->out, ".</p>");
  return AIT_OK;
}

ait_status ait_page_plot(ait_page *page, const ait_plot *plot, const char *caption) {
  fprintf(page->out, "<figure class=\"drawing\">\n");
  AIT_TRY(write_plot(page, plot, caption));
  fprintf(page->out, "<figcaption>%s</figcaption>\n</figure>\n", caption);
  return AIT_OK;
}

/* ---- rankings ---------------------------------------------------------------------------------- */

const cJSON *ait_page_used_ranking(const ait_report_run *run) {
  if (run->is_baseline) {
    const char *best = ait_report_text(run->result, "best_by_held_out_auroc");
    const cJSON *ranking =
        best != NULL ? cJSON_GetObjectItemCaseSensitive(ait_report_item(run->result, "rankings"), best) : NULL;
    return ait_report_item(ranking, "figures");
  }
  const char *used = run->is_transition ? "transition" : ait_report_text(run->settings, "score");
  return used != NULL ? cJSON_GetObjectItemCaseSensitive(ait_report_item(run->result, "ranking"), used) : NULL;
}

double ait_page_best_cheap(const ait_report_run *run) {
  double best = ait_report_number(run->result, "ranking/validation_only/auroc");
  const cJSON *ranking;
  cJSON_ArrayForEach(ranking, ait_report_item(run->baselines, "rankings")) {
    best = fmax(best, ait_report_number(ranking, "figures/auroc")); /* fmax leaves NaN out */
  }
  return best;
}

void ait_page_head_of_runs(const ait_page *page, const char *first, int64_t runs) {
  fprintf(page->out, "<thead><tr><th scope=\"col\">%s</th>", first);
  for (int64_t i = 0; i < runs; i++) {
    fprintf(page->out, "<th scope=\"col\">");
    if (page->source->count > 1) {
      ait_page_mark(page, i, 1);
    } else {
      ait_html_name(page->out, page->source->runs[i].name);
    }
    fprintf(page->out, "</th>");
  }
  fprintf(page->out, "</tr></thead>\n<tbody>\n");
}
