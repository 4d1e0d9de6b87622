/* plot.c - curves and bars as drawings inside a page: a script for gnuplot, and its SVG made fit for the page. */
#include "report/plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "report/gnuplot.h"
#include "report/html.h"

/* Thicker curves have more points than anyone sees. */
enum { MOST_POINTS = 600 };

/* gnuplot gets colours that stand for the page's: red 0, green 1, and the number of the colour in blue. */
enum { COLOUR_OF_GRID = 99 };

ait_plot ait_plot_of(const char *x_label, const char *y_label) {
  return (ait_plot){
      .x_label = x_label, .y_label = y_label, .x_low = NAN, .x_high = NAN, .y_low = NAN, .y_high = NAN, .bar_width = 1};
}

ait_plot_series *ait_plot_add(ait_plot *plot, ait_plot_style style, int32_t colour, int64_t count, const double *x,
                              const double *y) {
  if (plot->count == AIT_PLOT_MOST_SERIES || count == 0) {
    return NULL;
  }
  ait_plot_series *series = &plot->series[plot->count++];
  *series = (ait_plot_series){.style = style, .colour = colour % AIT_PLOT_COLOURS, .count = count, .x = x, .y = y};
  return series;
}

/* ---- the script -------------------------------------------------------------------------------- */

static int64_t count_points(const ait_plot_series *s) {
  int64_t count = 0;
  for (int64_t i = 0; i < s->count; i++) {
    count += isfinite(s->x[i]) && isfinite(s->y[i]);
  }
  return count;
}

/* At most MOST_POINTS, evenly chosen, the last one among them. */
static void write_points(const ait_plot_series *s, int32_t number, FILE *script) {
  const int64_t count = count_points(s), step = (count + MOST_POINTS - 1) / MOST_POINTS;
  int64_t place = 0;
  fprintf(script, "$series%d << EOD\n", number);
  for (int64_t i = 0; i < s->count; i++) {
    if (isfinite(s->x[i]) && isfinite(s->y[i])) {
      place++;
      if (place == count || (place - 1) % step == 0) {
        fprintf(script, "%.8g %.8g\n", s->x[i], s->y[i]);
      }
    }
  }
  fprintf(script, "EOD\n");
}

static void write_range(const char *axis, double low, double high, FILE *script) {
  char from[32] = "*", to[32] = "*";
  if (!isnan(low)) {
    snprintf(from, sizeof from, "%.8g", low);
  }
  if (!isnan(high)) {
    snprintf(to, sizeof to, "%.8g", high);
  }
  fprintf(script, "set %srange [%s:%s]\n", axis, from, to);
}

static void write_head(const ait_plot *p, const char *name, FILE *script) {
  fprintf(script, "set terminal svg size 470,290 dynamic noenhanced font 'sans-serif,13' name '%s'\n", name);
  fprintf(script, "set xlabel '%s'\nset ylabel '%s'\n", p->x_label, p->y_label);
  fprintf(script, "set border 3\nset tics nomirror out scale 0.5\nset grid ytics lt 1 lc rgb '#0001%02x'\n",
          COLOUR_OF_GRID);
  fprintf(script, "set key outside top center horizontal\nset style fill solid 0.55 noborder\n");
  fprintf(script, "set boxwidth %.8g\nset offsets graph 0, graph 0, graph 0.03, graph 0.03\n", p->bar_width);
  write_range("x", p->x_low, p->x_high, script);
  write_range("y", p->y_low, p->y_high, script);
}

static void write_style(const ait_plot_series *s, FILE *script) {
  static const char *const styles[] = {"lines lw 2", "lines dt 2 lw 1.6", "points pt 7 ps 0.7", "boxes"};
  fprintf(script, " with %s lc rgb '#0001%02x'", styles[s->style], (unsigned)s->colour);
  if (s->title[0] != '\0') {
    fprintf(script, " title '%s'", s->title);
  } else {
    fprintf(script, " notitle");
  }
}

/* Nonzero where the script draws anything. */
static int32_t write_script(const ait_plot *p, const char *name, FILE *script) {
  int32_t drawn = 0;
  write_head(p, name, script);
  for (int32_t i = 0; i < p->count; i++) {
    write_points(&p->series[i], i, script);
  }
  for (int32_t i = 0; i < p->count; i++) {
    if (count_points(&p->series[i]) > 0) {
      fprintf(script, "%s $series%d using 1:2", drawn++ == 0 ? "plot" : ",", i);
      write_style(&p->series[i], script);
    }
  }
  fprintf(script, "\n");
  return drawn;
}

/* ---- the drawing ------------------------------------------------------------------------------- */

static int begins_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

/* Writes what stands for the text at *text and moves behind it: a name of gnuplot's gets that of the drawing before it,
 * so that it is the only one on the page, and a colour becomes the page's. Zero where nothing stands for it. */
static int replace(const char **text, const char *name, FILE *out) {
  static const char *const ids[] = {"id='", "id=\"", "'#", "\"#"};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    if (begins_with(*text, ids[i])) {
      fprintf(out, "%s%s-", ids[i], name);
      *text += strlen(ids[i]);
      return 1;
    }
  }
  int colour, length = 0;
  if (begins_with(*text, "rgb(") && sscanf(*text, "rgb( 0, 1, %d)%n", &colour, &length) == 1 && length > 0) {
    if (colour == COLOUR_OF_GRID) {
      fprintf(out, "var(--line)");
    } else {
      fprintf(out, "var(--series-%d)", colour);
    }
    *text += length;
    return 1;
  }
  static const char black[] = "black";
  if (begins_with(*text, black)) {
    fprintf(out, "currentColor");
    *text += strlen(black);
    return 1;
  }
  return 0;
}

/* Elements that say nothing to a reader: gnuplot's own titles and description, and filters that the page has no use
 * for. The end of the element where one begins here, else NULL. */
static const char *superfluous(const char *text) {
  static const char *const elements[][2] = {{"<title>", "</title>"}, {"<desc>", "</desc>"}, {"<filter ", "</filter>"}};
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
    if (begins_with(text, elements[i][0])) {
      const char *end = strstr(text, elements[i][1]);
      return end != NULL ? end + strlen(elements[i][1]) : NULL;
    }
  }
  return NULL;
}

static void write_drawing(const char *text, const char *name, const char *description, FILE *out) {
  static const char start[] = "<svg";
  const char *c = strstr(text, start);
  if (c == NULL) {
    return;
  }
  fprintf(out, "<svg class=\"plot\" role=\"img\" aria-label=\"");
  ait_html_text(out, description);
  fputc('"', out);
  c += strlen(start);
  while (*c != '\0') {
    const char *end = superfluous(c);
    if (end != NULL) {
      c = end;
    } else if (!replace(&c, name, out)) {
      fputc(*c++, out);
    }
  }
}

ait_status ait_plot_write(const ait_plot *plot, const char *name, const char *description, FILE *out) {
  FILE *script = tmpfile();
  if (script == NULL) {
    return ait_fail(AIT_IO_ERROR, "no temporary file for gnuplot: %s", strerror(errno));
  }
  char *text = NULL;
  ait_status status = AIT_OK;
  if (write_script(plot, name, script) > 0) {
    status = ait_gnuplot_run(script, &text);
  }
  if (status == AIT_OK && text != NULL) {
    write_drawing(text, name, description, out);
  }
  free(text);
  fclose(script);
  return status;
}
