/* progress.c - how far a run is: a bar on a terminal, about ten plain lines elsewhere. */
#include "run/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run/json_lines.h"

enum { BAR_WIDTH = 20, PLAIN_LINES = 10 };

static const double redraw_seconds = 0.1;

void ait_progress_begin(ait_progress *progress, int32_t quiet, int64_t runs, int64_t total) {
  *progress = (ait_progress){.quiet = quiet,
                             .terminal = isatty(STDERR_FILENO),
                             .runs = runs,
                             .total = total,
                             .drawn_seconds = -redraw_seconds,
                             .accuracy = NAN,
                             .f1 = NAN};
}

static void format_duration(double seconds, char *text, size_t size) {
  if (seconds < 100) {
    snprintf(text, size, "%.0f s", seconds);
  } else if (seconds < 6000) {
    snprintf(text, size, "%.0f min", seconds / 60);
  } else {
    snprintf(text, size, "%.1f h", seconds / 3600);
  }
}

/* "F 0.5210  kbar 100  accuracy 80.1 %  F1 91.2 %  12 s left", or "mean of 10 runs: F 0.5210  accuracy ..." */
static void format_figures(const ait_progress *progress, const ait_history_row *row, char *text, size_t size) {
  char means[48] = "", kbar[32] = "", accuracy[32] = "", f1[32] = "", left[32];
  if (progress->runs > 1) {
    snprintf(means, sizeof means, "mean of %lld runs: ", (long long)progress->runs);
  } else {
    snprintf(kbar, sizeof kbar, "  kbar %d", row->kbar);
  }
  if (!isnan(progress->accuracy)) {
    snprintf(accuracy, sizeof accuracy, "  accuracy %.1f %%", 100 * progress->accuracy);
  }
  if (!isnan(progress->f1)) {
    snprintf(f1, sizeof f1, "  F1 %.1f %%", 100 * progress->f1);
  }
  format_duration(row->seconds / (double)row->t * (double)(progress->total - row->t), left, sizeof left);
  snprintf(text, size, "%sF %.4f%s%s%s  %s left", means, row->F_kbar, kbar, accuracy, f1, left);
}

static void draw_bar(ait_progress *progress, const ait_history_row *row, const char *figures) {
  char bar[BAR_WIDTH + 1];
  int filled = (int)(row->t * BAR_WIDTH / progress->total);
  memset(bar, '#', (size_t)filled);
  memset(bar + filled, '.', (size_t)(BAR_WIDTH - filled));
  bar[BAR_WIDTH] = '\0';
  fprintf(stderr, "\r[%s] %lld/%lld  %s\033[K", bar, (long long)row->t, (long long)progress->total, figures);
  fflush(stderr);
  progress->drawn = 1;
  progress->drawn_seconds = row->seconds;
}

void ait_progress_update(ait_progress *progress, const ait_history_row *row) {
  if (progress->quiet) {
    return;
  }
  progress->accuracy = isnan(row->accuracy_y) ? progress->accuracy : row->accuracy_y;
  progress->f1 = isnan(row->f1) ? progress->f1 : row->f1;
  char figures[224];
  format_figures(progress, row, figures, sizeof figures);
  int last = row->t == progress->total;
  if (progress->terminal) {
    if (last || row->seconds - progress->drawn_seconds >= redraw_seconds) {
      draw_bar(progress, row, figures);
    }
  } else if (last || row->t * PLAIN_LINES / progress->total > progress->lines) {
    fprintf(stderr, "iteration %lld/%lld  %s\n", (long long)row->t, (long long)progress->total, figures);
    progress->lines = row->t * PLAIN_LINES / progress->total;
  }
}

void ait_progress_end(ait_progress *progress) {
  if (progress->drawn) {
    fputc('\n', stderr);
    progress->drawn = 0;
  }
}

void ait_progress_note(const ait_clean_settings *settings, const char *text) {
  if (!settings->quiet) {
    fprintf(stderr, "%s\n", text);
  }
  if (settings->json) {
    ait_json_line_note(text);
  }
}
