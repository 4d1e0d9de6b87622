/* groups.c - what the folder of a sweep or of a comparison says of all its runs. */
#include <math.h>

#include "report/html.h"
#include "report/page.h"

/* A column of a table of means: where it stands in the file, and its heading. */
typedef struct column {
  const char *key, *heading;
} column;

/* ---- sweeps ------------------------------------------------------------------------------------ */

static const column sweep_columns[] = {{"auroc", "AUROC"},
                                       {"average_precision", "AP"},
                                       {"f1", "F1"},
                                       {"best_baseline_auroc", "best cheap AUROC"},
                                       {"noise_rate", "estimated noise"},
                                       {"test_accuracy_transition", "accuracy"},
                                       {"test_accuracy_y", "accuracy, y_K"},
                                       {"test_accuracy_validation_only", "validation rows alone"},
                                       {"test_accuracy_kept_by_this_run", "rows kept by this run"}};
enum { SWEEP_COLUMNS = sizeof sweep_columns / sizeof *sweep_columns };

static double part_of(const cJSON *means, const char *part, const char *key) {
  return ait_report_number(ait_report_item(means, part), key);
}

static int32_t has_column(const cJSON *summary, const char *key) {
  const cJSON *means;
  int32_t found = 0;
  cJSON_ArrayForEach(means, summary) {
    found = found || !isnan(part_of(means, "mean", key));
  }
  return found;
}

static void write_means(FILE *out, const cJSON *summary, const cJSON *means) {
  const double noise = ait_report_number(means, "noise");
  fprintf(out, "<tr><th scope=\"row\">");
  if (isnan(noise)) {
    fprintf(out, "&ndash;");
  } else {
    fprintf(out, "%g", noise);
  }
  fprintf(out, "</th><td>%.0f</td>", ait_report_number(means, "runs"));
  for (int c = 0; c < SWEEP_COLUMNS; c++) {
    const double spread = part_of(means, "spread", sweep_columns[c].key);
    if (!has_column(summary, sweep_columns[c].key)) {
      continue;
    }
    fprintf(out, "<td>");
    ait_page_percent(out, part_of(means, "mean", sweep_columns[c].key), 1);
    if (!isnan(spread)) {
      fprintf(out, " <span class=\"spread\">&plusmn;&#8239;%.1f</span>", 100 * spread);
    }
    fprintf(out, "</td>");
  }
  fprintf(out, "</tr>\n");
}

static void write_failures(const ait_page *page, const cJSON *runs) {
  const cJSON *run;
  cJSON_ArrayForEach(run, runs) {
    const char *name = ait_report_text(run, "run"), *failure = ait_report_text(run, "failure");
    if (name != NULL && failure != NULL) {
      fprintf(page->out, "<p class=\"warning\"><strong>No result:</strong> ");
      ait_html_name(page->out, name);
      fprintf(page->out, ": ");
      ait_html_text(page->out, failure);
      fprintf(page->out, ".</p>\n");
    }
  }
}

static void write_sweep(const ait_page *page, const cJSON *document) {
  const cJSON *summary = ait_report_item(document, "summary"), *means;
  write_failures(page, ait_report_item(document, "runs"));
  ait_page_open_table(page, "Means over the seeds and standard deviations, in %", "figures");
  fprintf(page->out, "<thead><tr><th scope=\"col\">Noise</th><th scope=\"col\">Runs</th>");
  for (int c = 0; c < SWEEP_COLUMNS; c++) {
    if (has_column(summary, sweep_columns[c].key)) {
      fprintf(page->out, "<th scope=\"col\">%s</th>", sweep_columns[c].heading);
    }
  }
  fprintf(page->out, "</tr></thead>\n<tbody>\n");
  cJSON_ArrayForEach(means, summary) {
    write_means(page->out, summary, means);
  }
  fprintf(page->out, "</tbody>\n");
  ait_page_close_table(page);
}

/* ---- comparisons ------------------------------------------------------------------------------- */

static const column compare_columns[] = {
    {"auroc", "AUROC"}, {"average_precision", "AP"}, {"f1", "F1"}, {"accuracy_y", "accuracy"}};
enum { COMPARE_COLUMNS = sizeof compare_columns / sizeof *compare_columns };

static void write_interval(FILE *out, const cJSON *interval, int32_t with_sign) {
  const double mean = ait_report_number(interval, "mean"), low = ait_report_number(interval, "low"),
               high = ait_report_number(interval, "high");
  fprintf(out, "<td>");
  if (isnan(mean)) {
    fprintf(out, "&ndash;");
  } else {
    fprintf(out, with_sign ? "%+.2f" : "%.2f", 100 * mean);
    if (!isnan(low) && !isnan(high)) {
      fprintf(out,
              with_sign ? " <span class=\"spread\">%+.2f &hellip; %+.2f</span>"
                        : " <span class=\"spread\">%.2f &hellip; %.2f</span>",
              100 * low, 100 * high);
    }
  }
  fprintf(out, "</td>");
}

static void write_contestants(const ait_page *page, const cJSON *document, const char *part, int32_t with_sign) {
  const cJSON *contestant;
  fprintf(page->out, "<thead><tr><th scope=\"col\">Contestant</th>");
  for (int c = 0; c < COMPARE_COLUMNS; c++) {
    fprintf(page->out, "<th scope=\"col\">%s</th>", compare_columns[c].heading);
  }
  fprintf(page->out, "</tr></thead>\n<tbody>\n");
  cJSON_ArrayForEach(contestant, ait_report_item(document, "contestants")) {
    const char *name = ait_report_text(contestant, "name");
    fprintf(page->out, "<tr><th scope=\"row\">");
    ait_html_name(page->out, name != NULL ? name : "");
    fprintf(page->out, "</th>");
    for (int c = 0; c < COMPARE_COLUMNS; c++) {
      write_interval(page->out, ait_report_item(ait_report_item(contestant, part), compare_columns[c].key), with_sign);
    }
    fprintf(page->out, "</tr>\n");
  }
  fprintf(page->out, "</tbody>\n");
}

static void write_comparison(const ait_page *page, const cJSON *document) {
  const char *reference = ait_report_text(document, "differences_to");
  ait_page_open_table(page, "Means over the seeds with their bootstrap intervals, in %", "figures");
  write_contestants(page, document, "means", 0);
  ait_page_close_table(page);
  if (reference != NULL) {
    fprintf(page->out, "<p>Paired differences to ");
    ait_html_name(page->out, reference);
    fprintf(page->out, ", seed by seed:</p>\n");
    ait_page_open_table(page, "Paired differences with their bootstrap intervals, in points", "figures");
    write_contestants(page, document, "differences", 1);
    ait_page_close_table(page);
  }
}

/* ---- the section ------------------------------------------------------------------------------- */

void ait_page_groups(const ait_page *page) {
  const ait_report_source *source = page->source;
  if (source->group_count == 0) {
    return;
  }
  ait_page_open(page, "groups", "Several runs as one");
  for (int32_t i = 0; i < source->group_count; i++) {
    const cJSON *document = source->groups[i].document;
    fprintf(page->out, "<h3>");
    ait_html_name(page->out, source->groups[i].folder);
    fprintf(page->out, "</h3>\n");
    if (cJSON_IsArray(ait_report_item(document, "contestants"))) {
      write_comparison(page, document);
    } else {
      write_sweep(page, document);
    }
  }
  ait_page_close(page);
}
