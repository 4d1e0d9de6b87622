/* compare.c - several methods on the same data: the same split, noise and start for all of them at a seed. */
#include "run/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/memory.h"
#include "run/rate.h"
#include "run/retrain.h"
#include "run/run.h"
#include "run/storage.h"
#include "run/transition.h"

const char *const ait_figure_words[] = {"accuracy_y",        "accuracy_z", "accuracy_kept",    "auroc",
                                        "average_precision", "f1",         "precision_at_100", "seconds",
                                        "memory_bytes"};

const char *const ait_contestant_words[] = {"method", "transition", "ranking"};

/* ---- who takes part ---------------------------------------------------------------------------- */

static ait_status add(const char *name, ait_contestant_kind kind, int32_t ranking, ait_compare_settings *s) {
  for (int32_t c = 0; c < s->count; c++) {
    if (strcmp(s->contestants[c].name, name) == 0) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--methods: %s stands there twice", name);
    }
  }
  if (s->count == AIT_COMPARE_MOST) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--methods: expected at most %d names", AIT_COMPARE_MOST);
  }
  ait_contestant *new = &s->contestants[s->count++];
  snprintf(new->name, sizeof new->name, "%s", name);
  new->kind = kind;
  new->ranking = ranking;
  return AIT_OK;
}

static ait_status add_name(const char *name, ait_compare_settings *s) {
  const int all = strcmp(name, "baselines") == 0;
  int32_t found = all;
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    if (all || strcmp(name, ait_ranking_words[kind]) == 0) {
      AIT_TRY(add(ait_ranking_words[kind], AIT_CONTESTANT_RANKING, kind, s));
      found = 1;
    }
  }
  ait_method method;
  if (found) {
    return AIT_OK;
  }
  if (strcmp(name, ait_cleaning_words[AIT_CLEANING_TRANSITION]) == 0) {
    return add(name, AIT_CONTESTANT_TRANSITION, -1, s);
  }
  if (ait_method_by_name(name, &method) != AIT_OK) {
    return ait_fail(
        AIT_INVALID_ARGUMENT,
        "--methods: %s is neither a method (as clean --method takes), nor transition, nor a ranking (as baseline "
        "--rankings takes), nor baselines, which stands for all rankings",
        name);
  }
  return add(name, AIT_CONTESTANT_METHOD, -1, s);
}

ait_status ait_compare_parse(const char *text, ait_compare_settings *s) {
  for (const char *word = text;; word++) {
    char name[32];
    const size_t length = strcspn(word, ",");
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    AIT_TRY(add_name(name, s));
    word += length;
    if (*word == '\0') {
      return AIT_OK;
    }
  }
}

/* ---- one contestant at one seed ---------------------------------------------------------------- */

/* What all contestants of a seed share. */
typedef struct round_of_seed {
  ait_comparison *comparison;
  int64_t seed;                /* its place in the list */
  ait_clean_settings settings; /* with that seed, and a rate */
  const ait_clean_data *data;
} round_of_seed;

static ait_cell *cell_of(ait_comparison *c, int32_t contestant, int64_t seed) {
  return &c->cells[contestant * c->settings->seed_count + seed];
}

const ait_cell *ait_compare_cell(const ait_comparison *comparison, int32_t contestant, int64_t seed) {
  return &comparison->cells[contestant * comparison->settings->seed_count + seed];
}

static void clear_cell(ait_cell *cell) {
  cell->done = 0;
  for (int figure = 0; figure < AIT_FIGURE_COUNT; figure++) {
    cell->figures[figure] = NAN;
  }
}

static void put_ranking(const ait_clean_data *data, const ait_ranking *ranking, double *figures) {
  if (data->truth != NULL) {
    figures[AIT_FIGURE_AUROC] = ranking->auroc;
    figures[AIT_FIGURE_AVERAGE_PRECISION] = ranking->average_precision;
    figures[AIT_FIGURE_F1] = ranking->f1;
    figures[AIT_FIGURE_PRECISION_100] = ranking->precision_100;
  }
}

/* Accuracy after the same training on what an order keeps; NaN where there are no test rows. Rows of two types, which
 * no matrix can hold together, have no such figure either. */
static ait_status measure_kept(const round_of_seed *r, const ait_network *network, const int64_t *order,
                               int64_t dropped, double *accuracy) {
  const ait_clean_data *d = r->data;
  if (d->test == NULL) {
    return AIT_OK;
  }
  ait_real *y = malloc((size_t)ait_network_parameters(network) * sizeof *y);
  if (y == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a classifier's parameters");
  }
  ait_baseline training;
  ait_context *context = r->comparison->context;
  ait_status status = ait_retrain(context, network, &r->settings, d, order, dropped, y, &training);
  if (status == AIT_OK) {
    status = ait_baseline_accuracy(context, network, d->test, d->test_labels, y, accuracy);
  }
  free(y);
  return status == AIT_UNSUPPORTED ? AIT_OK : status;
}

static ait_status finish_method(const round_of_seed *r, ait_run *run, ait_cell *cell) {
  AIT_TRY(ait_run_take_figures(run));
  put_ranking(r->data, &run->ranking[r->settings.score], cell->figures);
  cell->figures[AIT_FIGURE_ACCURACY_Y] = run->accuracy_y;
  cell->figures[AIT_FIGURE_ACCURACY_Z] = run->accuracy_z;
  cell->figures[AIT_FIGURE_SECONDS] = run->iteration_seconds - run->figure_seconds;
  cell->iterations = run->iterations;
  cell->trajectory = run->trajectory;
  AIT_TRY(measure_kept(r, &run->network, run->order, run->flagged, &cell->figures[AIT_FIGURE_ACCURACY_KEPT]));
  cell->history = run->history;
  run->history = (ait_history){0};
  return AIT_OK;
}

static ait_status run_method(const round_of_seed *r, const char *name, const volatile sig_atomic_t *stop,
                             ait_cell *cell) {
  ait_clean_settings settings = r->settings;
  snprintf(settings.method_name, sizeof settings.method_name, "%s", name);
  AIT_TRY(ait_method_by_name(name, &settings.method));
  /* K for all, but for a method of one step. */
  AIT_TRY(ait_method_ll_steps(&settings.method, name, -1, settings.ll_steps, &settings.ll_steps));
  ait_run run;
  const double memory = ait_memory_begin();
  ait_status status = ait_run_begin(r->comparison->context, &settings, r->data, &run);
  if (status == AIT_OK) {
    status = ait_run_iterate(&run, stop);
  }
  cell->figures[AIT_FIGURE_MEMORY] = ait_memory_peak(memory);
  if (status == AIT_OK && run.stopped) {
    status = ait_fail(AIT_STOPPED, "stopped by a signal after %lld iterations", (long long)run.iterations);
  }
  if (status == AIT_OK) {
    status = finish_method(r, &run, cell);
  }
  ait_run_end(&run);
  return status;
}

/* Its curve is one point: what its few UL iterations have come to on the way is not looked at. */
static ait_status finish_transition(const round_of_seed *r, ait_transition_run *run, ait_cell *cell) {
  AIT_TRY(ait_transition_take_figures(run));
  put_ranking(r->data, &run->figures, cell->figures);
  cell->figures[AIT_FIGURE_ACCURACY_Y] = run->accuracy;
  cell->figures[AIT_FIGURE_SECONDS] = run->seconds;
  cell->iterations = ait_transition_iterations(run);
  AIT_TRY(measure_kept(r, &run->network, run->order, run->flagged, &cell->figures[AIT_FIGURE_ACCURACY_KEPT]));
  const ait_history_row last = {.t = cell->iterations,
                                .seconds = run->seconds,
                                .F_kbar = NAN,
                                .F_K = NAN,
                                .accuracy_y = run->accuracy,
                                .accuracy_z = NAN,
                                .f1 = cell->figures[AIT_FIGURE_F1],
                                .auroc = cell->figures[AIT_FIGURE_AUROC]};
  return ait_history_append(&cell->history, &last);
}

static ait_status run_transition(const round_of_seed *r, const volatile sig_atomic_t *stop, ait_cell *cell) {
  ait_transition_run run;
  const double memory = ait_memory_begin();
  ait_status status = ait_transition_begin(r->comparison->context, &r->settings, r->data, &run);
  if (status == AIT_OK) {
    status = ait_transition_clean(&run, NULL, stop);
  }
  cell->figures[AIT_FIGURE_MEMORY] = ait_memory_peak(memory);
  if (status == AIT_OK) {
    status = finish_transition(r, &run, cell);
  }
  ait_transition_end(&run);
  return status;
}

static void close_cell(ait_cell *cell, ait_status status) {
  cell->done = status == AIT_OK;
  snprintf(cell->failure, sizeof cell->failure, "%s", cell->done ? "" : ait_last_error());
}

/* How the method's trajectories are stored, once, where --memory asks for it. */
static void tell_storage(const round_of_seed *r, int32_t contestant) {
  const ait_compare_settings *s = r->comparison->settings;
  if (s->clean.memory > 0 && r->seed == 0 && s->contestants[contestant].kind == AIT_CONTESTANT_METHOD) {
    char text[AIT_STORAGE_TEXT];
    ait_storage_describe(&ait_compare_cell(r->comparison, contestant, r->seed)->trajectory, text);
    fprintf(stderr, "  %s\n", text);
  }
}

/* One line a cell. */
static void tell(const round_of_seed *r, int32_t contestant) {
  const ait_cell *cell = ait_compare_cell(r->comparison, contestant, r->seed);
  const ait_compare_settings *s = r->comparison->settings;
  if (s->clean.quiet) {
    return;
  }
  fprintf(stderr, "seed %llu  %s: ", (unsigned long long)s->seeds[r->seed], s->contestants[contestant].name);
  if (cell->done) {
    fprintf(stderr, "%.1f s\n", cell->figures[AIT_FIGURE_SECONDS]);
    tell_storage(r, contestant);
  } else {
    fprintf(stderr, "%s\n", cell->failure);
  }
}

static ait_status take_made(const round_of_seed *r, const ait_rankings *rankings, int32_t kind, ait_cell *cell) {
  const ait_made_ranking *made = &rankings->each[kind];
  if (!made->made) {
    return ait_fail(AIT_UNSUPPORTED, "%s", made->failure);
  }
  put_ranking(r->data, &made->figures, cell->figures);
  cell->figures[AIT_FIGURE_ACCURACY_Y] = made->accuracy;
  cell->figures[AIT_FIGURE_SECONDS] = made->seconds;
  if (kind == AIT_RANKING_PRUNED) {
    cell->figures[AIT_FIGURE_SECONDS] += rankings->each[AIT_RANKING_OUT_OF_FOLD].seconds;
  }
  const int64_t dropped = r->data->truth != NULL ? r->data->mislabelled_rows : made->disagreeing;
  return measure_kept(r, &rankings->network, rankings->orders[kind], dropped, &cell->figures[AIT_FIGURE_ACCURACY_KEPT]);
}

/* All rankings that take part, at once: one prunes by another. */
static ait_status run_rankings(const round_of_seed *r, const volatile sig_atomic_t *stop) {
  const ait_compare_settings *s = r->comparison->settings;
  int32_t asked[AIT_RANKING_COUNT] = {0}, any = 0;
  for (int32_t c = 0; c < s->count; c++) {
    if (s->contestants[c].kind == AIT_CONTESTANT_RANKING) {
      asked[s->contestants[c].ranking] = any = 1;
    }
  }
  if (!any) {
    return AIT_OK;
  }
  ait_rankings rankings;
  const double memory = ait_memory_begin();
  ait_status status = ait_rankings_make(r->comparison->context, &r->settings, r->data, asked,
                                        AIT_DEFAULT_BASELINE_STEPS, stop, &rankings);
  const double peak = ait_memory_peak(memory);
  for (int32_t c = 0; c < s->count && status == AIT_OK; c++) {
    if (s->contestants[c].kind == AIT_CONTESTANT_RANKING) {
      ait_cell *cell = cell_of(r->comparison, c, r->seed);
      cell->figures[AIT_FIGURE_MEMORY] = peak;
      close_cell(cell, take_made(r, &rankings, s->contestants[c].ranking, cell));
      tell(r, c);
    }
  }
  ait_rankings_free(&rankings);
  return status;
}

/* ---- all of them ------------------------------------------------------------------------------- */

/* What cells say until they are worked on. */
static void skip_all(const round_of_seed *r) {
  const ait_status skipped = ait_fail(AIT_STOPPED, "skipped, as a signal asked to stop");
  for (int32_t c = 0; c < r->comparison->settings->count; c++) {
    close_cell(cell_of(r->comparison, c, r->seed), skipped);
  }
}

static ait_status run_round(round_of_seed *r, const volatile sig_atomic_t *stop) {
  const ait_compare_settings *s = r->comparison->settings;
  for (int32_t c = 0; c < s->count && !*stop; c++) {
    const ait_contestant *contestant = &s->contestants[c];
    if (contestant->kind != AIT_CONTESTANT_RANKING) {
      ait_cell *cell = cell_of(r->comparison, c, r->seed);
      close_cell(cell, contestant->kind == AIT_CONTESTANT_TRANSITION ? run_transition(r, stop, cell)
                                                                     : run_method(r, contestant->name, stop, cell));
      tell(r, c);
    }
  }
  return *stop ? AIT_OK : run_rankings(r, stop);
}

/* The first run of a process pays for threads, buffers and cold caches; one iteration of it is made and thrown away. */
static void warm_up(const round_of_seed *r) {
  if (r->seed > 0) {
    return;
  }
  static const volatile sig_atomic_t go_on = 0;
  const ait_compare_settings *s = r->comparison->settings;
  round_of_seed brief = *r;
  brief.settings.iterations = 1;
  brief.settings.seconds = -1;
  for (int32_t c = 0; c < s->count; c++) {
    if (s->contestants[c].kind == AIT_CONTESTANT_METHOD) {
      ait_cell unused = {0};
      run_method(&brief, s->contestants[c].name, &go_on, &unused);
      ait_history_clear(&unused.history);
      return;
    }
  }
}

/* A seed whose rows cannot be had fails its cells with that sentence; that of the first seed ends the comparison. */
static ait_status run_seed(ait_comparison *c, int64_t place, const volatile sig_atomic_t *stop) {
  round_of_seed r = {.comparison = c, .seed = place, .settings = c->settings->clean, .data = &c->data};
  r.settings.seed = c->settings->seeds[place];
  r.settings.quiet = 1;
  skip_all(&r);
  if (*stop) {
    return AIT_OK;
  }
  ait_clean_data other = {0};
  ait_status status = AIT_OK;
  if (place > 0) {
    status = ait_clean_data_load(&r.settings, &other);
    r.data = &other;
  }
  if (status == AIT_OK) {
    status = ait_clean_settings_choose_rate(c->context, r.data, &r.settings);
  }
  if (status == AIT_OK) {
    warm_up(&r);
    status = run_round(&r, stop);
  }
  for (int32_t k = 0; status != AIT_OK && k < c->settings->count; k++) {
    if (!cell_of(c, k, place)->done) {
      close_cell(cell_of(c, k, place), status);
      tell(&r, k);
    }
  }
  if (place > 0) {
    ait_clean_data_free(&other);
  }
  return AIT_OK;
}

int64_t ait_compare_done(const ait_comparison *c) {
  int64_t done = 0;
  for (int64_t i = 0; i < c->settings->count * c->settings->seed_count; i++) {
    done += c->cells[i].done;
  }
  return done;
}

/* ---- means and differences --------------------------------------------------------------------- */

static double figure_of(const ait_comparison *c, int32_t contestant, int64_t seed, int figure) {
  const ait_cell *cell = ait_compare_cell(c, contestant, seed);
  return cell->done ? cell->figures[figure] : NAN;
}

static ait_status summarise_contestant(ait_comparison *c, const ait_bootstrap *bootstrap, int32_t contestant,
                                       int32_t reference, double *values, ait_interval *intervals) {
  const int64_t seeds = c->settings->seed_count;
  for (int figure = 0; figure < AIT_FIGURE_COUNT; figure++) {
    for (int64_t s = 0; s < seeds; s++) {
      values[s] = figure_of(c, contestant, s, figure) - (reference >= 0 ? figure_of(c, reference, s, figure) : 0);
    }
    AIT_TRY(ait_bootstrap_mean(bootstrap, seeds, values, &intervals[figure]));
  }
  return AIT_OK;
}

/* The cheap ranking whose mean of a figure is largest, or -1. */
static int32_t best_ranking(const ait_comparison *c, int figure) {
  int32_t best = -1;
  for (int32_t k = 0; k < c->settings->count; k++) {
    const double mean = c->means[k][figure].mean;
    if (c->settings->contestants[k].kind == AIT_CONTESTANT_RANKING && !isnan(mean) &&
        (best == -1 || mean > c->means[best][figure].mean)) {
      best = k;
    }
  }
  return best;
}

static int32_t choose_reference(const ait_comparison *c) {
  for (int32_t k = 0; k < c->settings->count; k++) {
    if (strcmp(c->settings->contestants[k].name, c->settings->against) == 0) {
      return k;
    }
  }
  const int32_t best = best_ranking(c, c->data.truth != NULL ? AIT_FIGURE_AUROC : AIT_FIGURE_ACCURACY_KEPT);
  return best >= 0 ? best : 0;
}

static ait_status summarise_with(ait_comparison *c, const ait_bootstrap *bootstrap, double *values) {
  for (int32_t k = 0; k < c->settings->count; k++) {
    AIT_TRY(summarise_contestant(c, bootstrap, k, -1, values, c->means[k]));
  }
  c->reference = choose_reference(c);
  for (int32_t k = 0; k < c->settings->count; k++) {
    AIT_TRY(summarise_contestant(c, bootstrap, k, c->reference, values, c->differences[k]));
  }
  return AIT_OK;
}

static ait_status summarise(ait_comparison *c) {
  ait_bootstrap bootstrap;
  AIT_TRY(ait_bootstrap_begin(c->settings->seed_count, &bootstrap));
  double *values = malloc((size_t)c->settings->seed_count * sizeof *values);
  ait_status status = values != NULL ? summarise_with(c, &bootstrap, values)
                                     : ait_fail(AIT_OUT_OF_MEMORY, "no memory for the figures of the seeds");
  free(values);
  ait_bootstrap_end(&bootstrap);
  return status;
}

/* ---- begin and end ----------------------------------------------------------------------------- */

static ait_status begin(ait_context *context, const ait_compare_settings *settings, ait_comparison *c) {
  *c = (ait_comparison){.context = context, .settings = settings};
  const int64_t count = settings->count * settings->seed_count;
  c->cells = calloc((size_t)count, sizeof *c->cells);
  if (c->cells == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for %lld results", (long long)count);
  }
  for (int64_t i = 0; i < count; i++) {
    clear_cell(&c->cells[i]);
  }
  ait_clean_settings first = settings->clean;
  first.seed = settings->seeds[0];
  AIT_TRY(ait_clean_data_load(&first, &c->data));
  if (c->data.mislabelled_rows == 0 && c->data.test == NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "nothing to compare methods by: neither are wrong labels known (--noise RATE) nor are there test "
                    "rows (--test-images, --test-labels)");
  }
  return AIT_OK;
}

ait_status ait_compare_run(ait_context *context, const ait_compare_settings *settings,
                           const volatile sig_atomic_t *stop, ait_comparison *c) {
  AIT_TRY(begin(context, settings, c));
  for (int64_t place = 0; place < settings->seed_count; place++) {
    AIT_TRY(run_seed(c, place, stop));
  }
  c->stopped = *stop && ait_compare_done(c) < settings->count * settings->seed_count;
  return summarise(c);
}

void ait_compare_free(ait_comparison *c) {
  for (int64_t i = 0; c->cells != NULL && i < c->settings->count * c->settings->seed_count; i++) {
    ait_history_clear(&c->cells[i].history);
  }
  free(c->cells);
  ait_clean_data_free(&c->data);
  *c = (ait_comparison){0};
}
