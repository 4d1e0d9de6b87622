/* sheet.c - the most suspect rows: as pictures where there are any, and as a table. */
#include <string.h>

#include "context/error.h"
#include "report/html.h"
#include "report/page.h"
#include "report/picture.h"

/* Suspects shown of a run that stands alone, and of one beside others. */
enum { MOST_ALONE = AIT_DIGEST_SUSPECTS, MOST_BESIDE = 40, MOST_LINES = 40 };

/* What the text about a picture takes at most beside an id, in which a character may become six. */
enum { CAPTION_BYTES = 2048, ESCAPED_BYTES = 6 };

static void write_class(FILE *out, const ait_report_run *run, int32_t label) {
  char number[16];
  ait_html_name(out, ait_report_class(run, label, number));
}

/* What is known of the given label: text as well as colour. */
static void write_truth(FILE *out, const ait_report_run *run, const ait_digest_suspect *s) {
  if (s->truth < 0) {
    return;
  }
  if (s->truth == s->given) {
    fprintf(out, "<span class=\"was-right\">given label was right</span>");
  } else if (s->truth == s->suggested) {
    fprintf(out, "<span class=\"is-wrong\">suggestion is right</span>");
  } else {
    fprintf(out, "<span class=\"is-wrong\">truly ");
    write_class(out, run, s->truth);
    fprintf(out, "</span>");
  }
}

/* ---- pictures ---------------------------------------------------------------------------------- */

static ait_status write_picture(FILE *out, const ait_report_run *run, int32_t i) {
  const ait_digest_suspect *s = &run->digest.suspects[i];
  char number[16];
  fprintf(out, "<figure>\n<img src=\"");
  AIT_TRY(ait_picture_write(run->pictures, i, out));
  fprintf(out, "\" alt=\"Row %lld, given ", (long long)s->row);
  ait_html_text(out, ait_report_class(run, s->given, number));
  fprintf(out, ", suggested ");
  ait_html_text(out, ait_report_class(run, s->suggested, number));
  fprintf(out, "\">\n<figcaption><span class=\"given\"><span class=\"what\">given</span> ");
  write_class(out, run, s->given);
  fprintf(out, "</span><span class=\"suggested\"><span class=\"what\">suggested</span> ");
  write_class(out, run, s->suggested);
  fprintf(out, "</span>");
  write_truth(out, run, s);
  fprintf(out, "<span class=\"row\">row %lld", (long long)s->row);
  if (s->id != NULL) {
    fprintf(out, ", ");
    ait_html_name(out, s->id);
  }
  fprintf(out, "</span></figcaption>\n</figure>\n");
  return AIT_OK;
}

static int64_t most_bytes(const ait_report_run *run, int32_t i) {
  const char *id = run->digest.suspects[i].id;
  return ait_picture_most_bytes(run->pictures) + CAPTION_BYTES + ESCAPED_BYTES * (int64_t)(id != NULL ? strlen(id) : 0);
}

/* Pictures up to the place `end` in the page. */
static ait_status write_pictures(const ait_page *page, const ait_report_run *run, int32_t most, int64_t end) {
  const int64_t there = ait_matrix_rows(run->pictures);
  const int32_t found = run->digest.suspect_count < there ? run->digest.suspect_count : (int32_t)there;
  const int32_t count = found < most ? found : most;
  int32_t i = 0;
  fprintf(page->out, "<div class=\"sheet\">\n");
  for (; i < count && ftello(page->out) + most_bytes(run, i) <= end; i++) {
    AIT_TRY(write_picture(page->out, run, i));
  }
  fprintf(page->out, "</div>\n");
  if (i < count) {
    fprintf(page->out, "<p class=\"note\">%d of %d pictures, so that the page stays below 3 MB.</p>\n", i, count);
  }
  return AIT_OK;
}

/* ---- the table --------------------------------------------------------------------------------- */

static void write_label(FILE *out, const ait_report_run *run, int32_t label, double probability) {
  fprintf(out, "<td>");
  write_class(out, run, label);
  fprintf(out, "</td><td>");
  ait_page_percent(out, probability, 1);
  fprintf(out, "</td>");
}

static void write_lines(const ait_page *page, const ait_report_run *run) {
  const ait_digest *d = &run->digest;
  FILE *out = page->out;
  ait_page_open_table(page, "The most suspect rows", "suspects");
  fprintf(out,
          "<thead><tr><th scope=\"col\">Row</th><th scope=\"col\">Given</th><th scope=\"col\">its %%</th><th "
          "scope=\"col\">Suggested</th><th scope=\"col\">its %%</th><th scope=\"col\">Score</th>%s%s</tr></thead>\n"
          "<tbody>\n",
          d->knows_truth ? "<th scope=\"col\">Truth</th>" : "",
          d->has_ids ? "<th scope=\"col\" class=\"id\">Id</th>" : "");
  for (int32_t i = 0; i < d->suspect_count && i < MOST_LINES; i++) {
    const ait_digest_suspect *s = &d->suspects[i];
    fprintf(out, "<tr><th scope=\"row\">%lld</th>", (long long)s->row);
    write_label(out, run, s->given, s->given_probability);
    write_label(out, run, s->suggested, s->suggested_probability);
    fprintf(out, "<td>%.4g</td>", s->score);
    if (d->knows_truth) {
      fprintf(out, "<td>");
      write_class(out, run, s->truth);
      fprintf(out, "</td>");
    }
    if (d->has_ids) {
      fprintf(out, "<td class=\"id\">");
      ait_html_name(out, s->id);
      fprintf(out, "</td>");
    }
    fprintf(out, "</tr>\n");
  }
  fprintf(out, "</tbody>\n");
  ait_page_close_table(page);
}

/* ---- the section ------------------------------------------------------------------------------- */

/* Where the pictures of run i are to end: those of the runs shown after it get as much room. */
static int64_t end_of_pictures(const ait_page *page, int64_t i) {
  const int64_t begin = ftello(page->out), room = AIT_PAGE_MOST_BYTES - AIT_PAGE_BYTES_BEYOND - begin;
  return begin + room / (page->source->shown - i);
}

static ait_status write_suspects_of(const ait_page *page, int64_t i) {
  const ait_report_run *run = &page->source->runs[i];
  fprintf(page->out, "<div>\n");
  if (page->source->count > 1) {
    fprintf(page->out, "<h3>");
    ait_page_mark(page, i, 1);
    fprintf(page->out, "</h3>\n");
  }
  if (run->pictures != NULL) {
    AIT_TRY(write_pictures(page, run, page->source->count > 1 ? MOST_BESIDE : MOST_ALONE, end_of_pictures(page, i)));
    fprintf(page->out, "<details>\n<summary>The same as a table, with probabilities and scores</summary>\n");
    write_lines(page, run);
    fprintf(page->out, "</details>\n");
  } else {
    fprintf(page->out,
            "<p class=\"note\">No pictures: the rows of this run are not known to be images (an array of N "
            "x height x width, or with one, three or four channels), or it was made by an older "
            "version.</p>\n");
    write_lines(page, run);
  }
  fprintf(page->out, "</div>\n");
  return AIT_OK;
}

ait_status ait_page_sheets(const ait_page *page) {
  if (page->source->shown == 0) {
    return AIT_OK;
  }
  ait_page_open(page, "suspects", "Most suspect rows");
  fprintf(page->out, "<div class=\"side-by-side wide\">\n");
  for (int64_t i = 0; i < page->source->shown; i++) {
    AIT_TRY(write_suspects_of(page, i));
  }
  fprintf(page->out, "</div>\n");
  ait_page_close(page);
  return AIT_OK;
}
