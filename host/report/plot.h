/* plot.h - curves and bars as drawings inside a page. */
#ifndef AIT_REPORT_PLOT_H
#define AIT_REPORT_PLOT_H

#include <stdio.h>

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ait_plot_style { AIT_PLOT_LINE, AIT_PLOT_DASHED, AIT_PLOT_POINTS, AIT_PLOT_BARS } ait_plot_style;

enum { AIT_PLOT_MOST_SERIES = 24, AIT_PLOT_COLOURS = 8, AIT_PLOT_TITLE = 40 };

/* Points (x, y), borrowed; those with a NaN are left out. */
typedef struct ait_plot_series {
  char title[AIT_PLOT_TITLE]; /* words of ours, never a user's: it becomes part of a script; "" stands in no key */
  ait_plot_style style;
  int32_t colour; /* 0 .. AIT_PLOT_COLOURS - 1, of the page's style */
  int64_t count;
  const double *x, *y;
} ait_plot_series;

typedef struct ait_plot {
  const char *x_label, *y_label;       /* words of ours */
  double x_low, x_high, y_low, y_high; /* NaN: as the points want it */
  double bar_width;
  int32_t count;
  ait_plot_series series[AIT_PLOT_MOST_SERIES];
} ait_plot;

/* A plot without series whose axes are as its points want them. */
ait_plot ait_plot_of(const char *x_label, const char *y_label);

/* Adds a series; does nothing where there is no room or `count` is 0. The result is where it stands, or NULL. */
ait_plot_series *ait_plot_add(ait_plot *plot, ait_plot_style style, int32_t colour, int64_t count, const double *x,
                              const double *y);

/* Writes the drawing as an <svg> element that is called `name` (a word of ours, each once a page) and has a text for
 * those who do not see it. Colours are the page's variables --series-0 ..., --line and its text colour.
 * Errors: those of ait_gnuplot_run. */
ait_status ait_plot_write(const ait_plot *plot, const char *name, const char *description, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
