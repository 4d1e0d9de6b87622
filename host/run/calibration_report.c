/* calibration_report.c - what is said of the lists that a calibration judges. */
#include <math.h>

#include "context/error.h"
#include "data/file.h"
#include "run/calibration.h"
#include "run/document.h"
#include "run/summary.h"

/* Lists of so many lengths, as near to evenly spaced as whole rows allow. */
enum { LENGTHS = 200 };

static const char *const sources[] = {"none", "held-out", "planted"};

ait_listed ait_listed_of(const ait_suspects *s) {
  const ait_clean_data *d = s->data;
  double wrong = 0;
  for (int64_t place = 0; place < s->listed && d->truth != NULL; place++) {
    wrong += d->mislabelled[s->order[place]];
  }
  const int32_t known = d->truth != NULL && s->listed > 0;
  return (ait_listed){.posterior = NAN,
                      .precision = known ? wrong / (double)s->listed : NAN,
                      .recall = known && d->mislabelled_rows > 0 ? wrong / (double)d->mislabelled_rows : NAN};
}

/* ---- run.json ---------------------------------------------------------------------------------- */

static void add_estimate(cJSON *object, const char *name, const ait_estimate *estimate) {
  cJSON *item = cJSON_AddObjectToObject(object, name);
  ait_document_figure(item, "expected", estimate->value);
  ait_document_figure(item, "low", estimate->low);
  ait_document_figure(item, "high", estimate->high);
}

void ait_calibration_describe(const ait_calibration *c, const ait_listed *listed, cJSON *result) {
  if (c->source == AIT_CALIBRATION_NONE) {
    return;
  }
  const ait_expectation e = ait_calibration_of(c, c->listed);
  cJSON *object = cJSON_AddObjectToObject(result, "calibration");
  ait_document_text(object, "known_rows", sources[c->source]);
  cJSON_AddNumberToObject(object, "clean_rows", (double)c->clean_rows);
  cJSON_AddNumberToObject(object, "suggested_rows", (double)e.rows);
  ait_document_figure(object, "threshold", e.threshold);
  ait_document_figure(object, "false_alarm_rate", e.false_alarms);
  ait_document_figure(object, "noise_rate", c->noise_rate);
  add_estimate(object, "precision", &e.precision);
  add_estimate(object, "recall", &e.recall);
  ait_document_figure(object, "posterior_precision", listed->posterior);
  ait_document_figure(object, "true_precision", listed->precision);
  ait_document_figure(object, "true_recall", listed->recall);
}

/* ---- calibration.csv --------------------------------------------------------------------------- */

static void write_line(const ait_calibration *c, int64_t rows, FILE *stream) {
  const ait_expectation e = ait_calibration_of(c, rows);
  const double figures[] = {e.threshold,      e.false_alarms, e.precision.value, e.precision.low,
                            e.precision.high, e.recall.value, e.recall.low,      e.recall.high};
  fprintf(stream, "%lld", (long long)rows);
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    ait_document_csv(stream, figures[i]);
  }
  fputc('\n', stream);
}

ait_status ait_calibration_write(const ait_calibration *c, const ait_folder *folder) {
  char path[PATH_MAX];
  ait_file file;
  if (c->source == AIT_CALIBRATION_NONE) {
    return AIT_OK;
  }
  AIT_TRY(ait_folder_path(folder, "calibration.csv", path));
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream,
          "rows,threshold,false_alarm_rate,precision,precision_low,precision_high,recall,recall_low,recall_high\n");
  int64_t last = 0;
  for (int64_t k = 1; k <= LENGTHS; k++) {
    const int64_t rows = (int64_t)ceil((double)c->n * (double)k / LENGTHS);
    if (last < c->listed && c->listed < rows) {
      write_line(c, c->listed, file.stream);
    }
    if (rows > last) {
      write_line(c, rows, file.stream);
    }
    last = rows;
  }
  return ait_file_commit(&file);
}

/* ---- summary ----------------------------------------------------------------------------------- */

/* "97.2 % (95.1 to 98.4)", and the truth where it is known. */
static void print_share(const ait_estimate *share, double truth, FILE *out) {
  fprintf(out, "%.1f %% (95 %% interval %.1f to %.1f%s", 100 * share->value, 100 * share->low, 100 * share->high,
          isnan(truth) ? ")" : "");
  if (!isnan(truth)) {
    fprintf(out, "; truly %.1f)", 100 * truth);
  }
}

/* Whose word it is, and what recall rests on. */
static void print_source(const ait_calibration *c, int32_t without_recall, FILE *out) {
  const long long rows = c->clean_rows;
  if (c->source == AIT_CALIBRATION_PLANTED) {
    fprintf(
        out,
        "  Told by %lld clean rows planted among the others; where errors hit rows that are hard to tell, more are.\n"
        "  If errors hit all other labels alike, they are ",
        rows);
  } else if (without_recall) {
    fprintf(out,
            "  Told by %lld clean rows that classifiers left out; how many of all wrong labels they are, nobody can "
            "tell.\n",
            rows);
  } else {
    fprintf(out,
            "  Told by %lld clean rows that classifiers left out. If errors are as the noise model says,\n  they are ",
            rows);
  }
}

void ait_calibration_print(const ait_calibration *c, const ait_listed *listed, FILE *out) {
  const ait_expectation e = ait_calibration_of(c, c->listed);
  if (c->source == AIT_CALIBRATION_NONE || isnan(e.precision.value)) {
    return;
  }
  fprintf(out, "  Expected of these %lld: ", (long long)e.rows);
  print_share(&e.precision, listed->precision, out);
  fprintf(out, " are wrong");
  if (!isnan(listed->posterior)) {
    fprintf(out, ";\n  by the noise model %.1f %%", 100 * listed->posterior);
  }
  fputs(".\n", out);
  print_source(c, isnan(e.recall.value), out);
  if (!isnan(e.recall.value)) {
    print_share(&e.recall, listed->recall, out);
    fprintf(out, " of all wrong labels.\n");
  }
}
