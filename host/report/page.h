/* page.h - the sections of a report's page, and what they share. */
#ifndef AIT_REPORT_PAGE_H
#define AIT_REPORT_PAGE_H

#include <stdio.h>

#include "report/plot.h"
#include "report/source.h"

enum {
  AIT_PAGE_SENTENCE = 512,
  AIT_PAGE_MOST_SECTIONS = 12,
  AIT_PAGE_MOST_BYTES = 3000000, /* beyond which no picture is added */
  AIT_PAGE_BYTES_BEYOND = 300000 /* of them, for what stands beside the sections up to the pictures */
};

/* The sections written so far, for the list of contents. */
typedef struct ait_page_contents {
  int32_t count;
  const char *anchor[AIT_PAGE_MOST_SECTIONS], *heading[AIT_PAGE_MOST_SECTIONS];
} ait_page_contents;

typedef struct ait_page {
  FILE *out;
  ait_page_contents *contents; /* borrowed */
  const ait_report_source *source;
  int32_t drawings;                  /* made so far, which names them */
  char no_curves[AIT_PAGE_SENTENCE]; /* why gnuplot draws nothing; else empty */
} ait_page;

/* The style sheet. */
extern const char ait_page_style[];

/* ---- parts ------------------------------------------------------------------------------------- */

/* Opens a section with a heading, both of them literals, to which the list of contents then leads; closes it. */
void ait_page_open(const ait_page *page, const char *anchor, const char *heading);
void ait_page_close(const ait_page *page);

/* "A", "B", ...: what stands for run i where there are several; empty where there is one. */
void ait_page_letter(const ait_page *page, int64_t i, char letter[4]);

/* Writes the mark of run i, with its name where `named` is nonzero; nothing where there is one run alone. */
void ait_page_mark(const ait_page *page, int64_t i, int32_t named);

/* Begins and ends a table that may be wider than the window; `caption` is a text of ours. */
void ait_page_open_table(const ait_page *page, const char *caption, const char *style_class);
void ait_page_close_table(const ait_page *page);

/* The head of a table with a column a run, the first `runs` of them, behind a column headed `first`, a text of ours;
 * then the table's body is open. */
void ait_page_head_of_runs(const ait_page *page, const char *first, int64_t runs);

/* A number as people read it: the share in per cent with so many digits, or "-" for NaN. */
void ait_page_percent(FILE *out, double share, int digits);
/* A whole number with thin spaces between groups of three digits. */
void ait_page_count(FILE *out, double number);

/* Writes a plot with a caption below, texts of ours, or the reason why there is none. Errors: AIT_OUT_OF_MEMORY,
 * AIT_IO_ERROR. */
ait_status ait_page_plot(ait_page *page, const ait_plot *plot, const char *caption);

/* ---- what the documents say -------------------------------------------------------------------- */

/* The figures of the ranking that suspects.csv is in, and the largest AUROC of a cheap ranking (NaN: none). */
const cJSON *ait_page_used_ranking(const ait_report_run *run);
double ait_page_best_cheap(const ait_report_run *run);

/* ---- sections ---------------------------------------------------------------------------------- */

void ait_page_runs(const ait_page *page);
void ait_page_groups(const ait_page *page);
void ait_page_figures(const ait_page *page);
void ait_page_rankings(const ait_page *page);
ait_status ait_page_ranking_curves(ait_page *page);
ait_status ait_page_histograms(ait_page *page);
ait_status ait_page_expectations(ait_page *page);
ait_status ait_page_curves(ait_page *page);
void ait_page_labels(const ait_page *page);
ait_status ait_page_sheets(const ait_page *page);
void ait_page_settings(const ait_page *page);

#endif
