/* report.c - ait report: a page about runs. */
#include <limits.h>
#include <stdio.h>

#include "cli/options.h"
#include "context/error.h"
#include "report/report.h"

enum { KEY_OUT = 256, KEY_QUIET, MOST_FOLDERS = AIT_REPORT_MOST_RUNS };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0, "The page (default, with one DIR: report.html in it)", 1},
    {"quiet", KEY_QUIET, NULL, 0, "Print nothing but errors", 1},
    {0}};

static const char documentation[] =
    "Write a page about runs: settings, figures beside those of the cheap rankings, curves, histograms of weights or "
    "scores, the most suspect rows as pictures, given against suggested labels. It is one HTML file that loads nothing "
    "and needs no other.\v"
    "A DIR is what clean, baseline or compare have written; the folder of a sweep stands for its runs. Several runs "
    "are "
    "laid side by side, the first eight with curves and pictures. gnuplot draws the curves; where it is not installed "
    "the page says so in their place.\n\n"
    "Exit status: 0 success, 1 the page could not be made, 2 wrong usage.\n\n"
    "Examples:\n"
    "  " AIT_PROGRAM
    " report first-run\n"
    "  " AIT_PROGRAM " report first-run as-in-the-paper --out both.html";

typedef struct report_input {
  char *folders[MOST_FOLDERS];
  int32_t count, quiet;
  const char *out;
} report_input;

static error_t parse(int key, char *text, struct argp_state *state) {
  report_input *input = state->input;
  switch (key) {
    case ARGP_KEY_ARG:
      if (input->count == MOST_FOLDERS) {
        return ait_option_fail(ait_fail(AIT_INVALID_ARGUMENT, "report: expected at most %d folders", MOST_FOLDERS));
      }
      input->folders[input->count++] = text;
      return 0;
    case KEY_OUT:
      input->out = text;
      return 0;
    case KEY_QUIET:
      input->quiet = 1;
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static ait_status choose_path(const report_input *input, char path[PATH_MAX]) {
  if (input->count == 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "report: name the folder of a run, such as " AIT_PROGRAM " report first-run");
  }
  if (input->out == NULL && input->count > 1) {
    return ait_fail(AIT_INVALID_ARGUMENT, "report: several folders need --out FILE, such as --out report.html");
  }
  const int length = input->out != NULL ? snprintf(path, PATH_MAX, "%s", input->out)
                                        : snprintf(path, PATH_MAX, "%s/report.html", input->folders[0]);
  return length < PATH_MAX ? AIT_OK : ait_fail(AIT_INVALID_ARGUMENT, "report: the path of the page is too long");
}

static ait_status report(const report_input *input) {
  char path[PATH_MAX], missing[512];
  ait_report_source source;
  AIT_TRY(choose_path(input, path));
  AIT_TRY(ait_report_read(input->count, input->folders, &source));
  const ait_status status = ait_report_write(&source, path, missing, sizeof missing);
  const long long runs = source.count;
  ait_report_free(&source);
  AIT_TRY(status);
  if (missing[0] != '\0') {
    fprintf(stderr, "%s: the page has no curves: %s\n", AIT_PROGRAM, missing);
  }
  if (!input->quiet) {
    printf("Report  %s (%lld run%s): open it in a browser\n", path, runs, runs == 1 ? "" : "s");
  }
  return AIT_OK;
}

int ait_command_report(int argc, char **argv) {
  static report_input input; /* too large for the stack */
  const struct argp argp = {.options = options, .parser = parse, .args_doc = "DIR...", .doc = documentation};
  ait_status status = ait_parse_options(&argp, argc, argv, "report", &input);
  if (status == AIT_OK) {
    status = report(&input);
  }
  return ait_exit_status(status);
}
