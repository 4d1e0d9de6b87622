/* report.c - a page about runs: its head, its sections, its file. */
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/file.h"
#include "report/html.h"
#include "report/page.h"

/* What every report begins with, and what tells it from other files. */
static const char beginning[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"ait "
    "report\">\n";

/* ---- the file that is there -------------------------------------------------------------------- */

static ait_status expect_report(const char *path) {
  char start[sizeof beginning] = "";
  FILE *file;
  const ait_status status = ait_file_open(path, &file);
  if (status != AIT_OK) {
    return status == AIT_NOT_FOUND ? AIT_OK : status;
  }
  const size_t length = fread(start, 1, sizeof beginning - 1, file);
  fclose(file);
  return length == sizeof beginning - 1 && memcmp(start, beginning, length) == 0
             ? AIT_OK
             : ait_fail(AIT_IO_ERROR, "--out %s: exists and is no report; name another file", path);
}

/* ---- head and foot ----------------------------------------------------------------------------- */

/* The policy keeps the page from loading anything, whatever stands in it. */
static void write_head(FILE *out, const ait_report_source *source) {
  fprintf(out,
          "%s<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
          "'unsafe-inline'\">\n<title>Report: ",
          beginning);
  for (int64_t i = 0; i < source->shown; i++) {
    fputs(i > 0 ? ", " : "", out);
    ait_html_text(out, source->runs[i].name);
  }
  for (int32_t i = 0; i < source->group_count && source->shown == 0; i++) {
    fputs(i > 0 ? ", " : "", out);
    ait_html_text(out, source->groups[i].folder);
  }
  fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", ait_page_style);
}

static void write_header(FILE *out, const ait_page *page) {
  const ait_page_contents *contents = page->contents;
  fprintf(out,
          "<header>\n<h1>Which labels are wrong?</h1>\n<p>A report on %lld cleaning run%s%s.</p>\n"
          "<nav aria-label=\"Contents\"><ul>\n",
          (long long)page->source->count, page->source->count == 1 ? "" : "s",
          page->source->count == 0 ? ", but a comparison" : "");
  for (int32_t i = 0; i < contents->count; i++) {
    fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", contents->anchor[i], contents->heading[i]);
  }
  fprintf(out, "</ul></nav>\n</header>\n<main%s>\n", page->source->count == 1 ? " class=\"alone\"" : "");
}

static ait_status write_sections(ait_page *page) {
  ait_page_runs(page);
  ait_page_groups(page);
  ait_page_figures(page);
  ait_page_rankings(page);
  AIT_TRY(ait_page_ranking_curves(page));
  AIT_TRY(ait_page_histograms(page));
  AIT_TRY(ait_page_expectations(page));
  AIT_TRY(ait_page_curves(page));
  AIT_TRY(ait_page_sheets(page));
  ait_page_labels(page);
  ait_page_settings(page);
  return AIT_OK;
}

static void write_footer(FILE *out) {
  fprintf(out,
          "</main>\n<footer>\n<p>Made by ait %s. The page loads nothing and needs no other file.</p>\n</footer>\n"
          "</body>\n</html>\n",
          ait_version());
}

/* The sections go into memory first, as the list of contents before them says which there are. */
static ait_status write_page(ait_page *page, FILE *out) {
  char *text = NULL;
  size_t length = 0;
  page->out = open_memstream(&text, &length);
  if (page->out == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a page");
  }
  ait_status status = write_sections(page);
  const int failed = ferror(page->out);
  if ((fclose(page->out) != 0 || failed) && status == AIT_OK) {
    status = ait_fail(AIT_OUT_OF_MEMORY, "no memory for a page of %zu bytes", length);
  }
  if (status == AIT_OK) {
    write_head(out, page->source);
    write_header(out, page);
    fwrite(text, 1, length, out);
    write_footer(out);
  }
  free(text);
  return status;
}

/* ---- the file ---------------------------------------------------------------------------------- */

ait_status ait_report_write(const ait_report_source *source, const char *path, char *missing, size_t size) {
  ait_file file;
  AIT_TRY(expect_report(path));
  AIT_TRY(ait_file_begin(&file, path));
  ait_page_contents contents = {0};
  ait_page page = {.contents = &contents, .source = source};
  const ait_status status = write_page(&page, file.stream);
  snprintf(missing, size, "%s", page.no_curves);
  if (status != AIT_OK) {
    ait_file_abandon(&file);
    return status;
  }
  return ait_file_commit(&file);
}
