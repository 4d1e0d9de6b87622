/* rankings.c - the cheap rankings that hyper-cleaning has to beat (docs/derivation.md#cheap-rankings). */
#include "run/rankings.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "context/random.h"
#include "run/allocate.h"
#include "run/progress.h"
#include "run/run.h"
#include "run/stack.h"
#include "run/trainer.h"

const char *const ait_ranking_words[] = {"validation", "cross-validated", "out-of-fold", "pruned", "margin", NULL};

enum {
  FOLDS = AIT_TRAINER_MOST_SETS,
  /* Above this many rows the folds are trained one after another and the number of steps is found on one of
   * them: five copies of so many rows want too much memory. */
  MOST_ROWS_FOR_ALL_FOLDS = 50000,
  MARGIN_POINTS = 20 /* numbers of steps, evenly apart, at which margins are taken */
};

/* What is needed while rankings are made. */
typedef struct maker {
  ait_rankings *r;
  int64_t *noisy_order, *clean_order; /* permutations that the folds are blocks of: N, M */
  int64_t *rows;                      /* N + M */
  uint8_t *dropped;                   /* N: 1: pruned */
  ait_real *y;                        /* FOLDS x m */
  ait_real *probabilities;            /* max(N, M) x classes */
  double *held_out;                   /* M x classes: 1 - probability of each class */
  ait_stack stack;                    /* training rows, then validation rows; made when first wanted */
  int32_t *stack_labels;
  double accuracy, agreement; /* shares of left-out rows, validation and training, whose label is suggested */
} maker;

/* Rows to train on: the training rows (or none), then the validation rows (or none). */
typedef struct pool {
  const ait_matrix *matrix;
  const int32_t *labels;
  int64_t noisy, clean; /* N or 0; M or 0 */
  const uint8_t *dropped;
  /* What finds the number of steps: all rows left out, which are like those trained on, or validation rows alone where
   * training rows were dropped for what is left to agree. */
  int32_t judged_by_clean;
} pool;

/* ---- folds ------------------------------------------------------------------------------------- */

static int64_t fewer(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int32_t count_folds(const pool *p) {
  int64_t folds = fewer(FOLDS, p->noisy > 0 ? p->noisy : FOLDS);
  return (int32_t)fewer(folds, p->clean > 0 ? p->clean : FOLDS);
}

static int64_t block_start(int64_t n, int32_t folds, int32_t b) {
  return b * n / folds;
}

/* Writes offset + order[i] for i outside first .. last - 1, without what is dropped; returns how many. */
static int64_t list_others(const int64_t *order, int64_t n, int64_t first, int64_t last, int64_t offset,
                           const uint8_t *dropped, int64_t *rows) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) {
    if ((i < first || i >= last) && (dropped == NULL || !dropped[order[i]])) {
      rows[count++] = offset + order[i];
    }
  }
  return count;
}

/* The set of fold b: all but its training rows and, where they are to be `held_out`, all but its validation rows. */
static ait_status add_fold(maker *k, const pool *p, int32_t b, int32_t held_out, ait_trainer *trainer) {
  const int32_t folds = count_folds(p);
  const int64_t noisy_first = block_start(p->noisy, folds, b), noisy_last = block_start(p->noisy, folds, b + 1),
                clean_first = block_start(p->clean, folds, b), clean_last = block_start(p->clean, folds, b + 1);
  int64_t count = list_others(k->noisy_order, p->noisy, noisy_first, noisy_last, 0, p->dropped, k->rows);
  count += list_others(k->clean_order, p->clean, clean_first, held_out ? clean_last : clean_first, p->noisy, NULL,
                       k->rows + count);
  const ait_labelled_rows train = {p->matrix, p->labels, count, k->rows};
  if (!held_out) {
    return ait_trainer_add(trainer, &train, NULL);
  }
  int64_t *judged = k->rows + count, judges = 0;
  for (int64_t i = noisy_first; i < noisy_last && !p->judged_by_clean; i++) {
    judged[judges++] = k->noisy_order[i];
  }
  for (int64_t j = clean_first; j < clean_last; j++) {
    judged[judges++] = p->noisy + k->clean_order[j];
  }
  const ait_labelled_rows judge = {p->matrix, p->labels, judges, judged};
  return ait_trainer_add(trainer, &train, &judge);
}

/* How many folds are trained at once. */
static int32_t group_of(const pool *p) {
  return p->noisy + p->clean > MOST_ROWS_FOR_ALL_FOLDS ? 1 : count_folds(p);
}

static ait_trainer make_trainer(const maker *k, double rate) {
  return (ait_trainer){.context = k->r->context, .network = &k->r->network, .seed = k->r->settings->seed, .rate = rate};
}

static ait_status add_group(maker *k, const pool *p, int32_t first, int32_t held_out, ait_trainer *trainer) {
  for (int32_t b = first; b < fewer(first + group_of(p), count_folds(p)); b++) {
    AIT_TRY(add_fold(k, p, b, held_out, trainer));
  }
  return AIT_OK;
}

static ait_status find_steps(maker *k, const pool *p, ait_baseline *training) {
  if (count_folds(p) < 2) {
    return ait_fail(AIT_INVALID_ARGUMENT, "a classifier needs at least 2 rows to be trained on; there is %lld",
                    (long long)(p->clean > 0 ? p->clean : p->noisy));
  }
  ait_trainer trainer = make_trainer(k, training->rate);
  ait_status status = add_group(k, p, 0, 1, &trainer);
  if (status == AIT_OK) {
    status = ait_trainer_find_steps(&trainer, k->r->most_steps, &training->steps);
  }
  ait_trainer_clear(&trainer);
  return status;
}

/* ---- predictions ------------------------------------------------------------------------------- */

/* Probabilities of `count` rows of a matrix (NULL: all) under y. */
static ait_status predict(maker *k, const ait_matrix *matrix, int64_t count, const int64_t *rows, const ait_real *y) {
  ait_matrix *gathered = NULL;
  ait_predictor *predictor = NULL;
  ait_status status = rows != NULL ? ait_matrix_gather(matrix, count, rows, &gathered) : AIT_OK;
  if (status == AIT_OK) {
    status = ait_predictor_create(k->r->context, &k->r->network, gathered != NULL ? gathered : matrix, &predictor);
  }
  if (status == AIT_OK) {
    status = ait_predictor_probabilities(predictor, y, k->probabilities);
  }
  ait_predictor_destroy(predictor);
  ait_matrix_destroy(gathered);
  return status;
}

static int32_t most_probable(const ait_real *p, int32_t classes) {
  int32_t best = 0;
  for (int32_t c = 1; c < classes; c++) {
    best = p[c] > p[best] ? c : best;
  }
  return best;
}

/* Scores `count` training rows (NULL: all): 1 - the probability of the given label. */
static ait_status score_noisy(maker *k, ait_made_ranking *ranking, int64_t count, const int64_t *rows,
                              const ait_real *y) {
  const ait_clean_data *d = k->r->data;
  AIT_TRY(predict(k, d->train, count, rows, y));
  for (int64_t place = 0; place < count; place++) {
    const ait_real *p = k->probabilities + place * d->classes;
    const int64_t i = rows != NULL ? rows[place] : place;
    ranking->suggested[i] = most_probable(p, d->classes);
    ranking->suggested_probability[i] = (double)p[ranking->suggested[i]];
    ranking->given_probability[i] = (double)p[d->given[i]];
    ranking->score[i] = 1 - ranking->given_probability[i];
  }
  return AIT_OK;
}

/* Keeps what classifiers make of every label of `count` validation rows that they have not seen. */
static ait_status score_clean(maker *k, int64_t count, const int64_t *rows, const ait_real *y) {
  const ait_clean_data *d = k->r->data;
  if (count == 0) {
    return AIT_OK;
  }
  AIT_TRY(predict(k, d->validation, count, rows, y));
  for (int64_t place = 0; place < count; place++) {
    for (int32_t c = 0; c < d->classes; c++) {
      k->held_out[rows[place] * d->classes + c] = 1 - (double)k->probabilities[place * d->classes + c];
    }
  }
  return AIT_OK;
}

/* ---- fits -------------------------------------------------------------------------------------- */

static ait_status score_fold(maker *k, const pool *p, int32_t b, int32_t held_out, const ait_real *y,
                             ait_made_ranking *ranking) {
  const ait_clean_data *d = k->r->data;
  const int32_t folds = count_folds(p);
  if (p->noisy > 0) {
    const int64_t first = block_start(p->noisy, folds, b), last = block_start(p->noisy, folds, b + 1);
    AIT_TRY(score_noisy(k, ranking, last - first, k->noisy_order + first, y));
  }
  if (held_out) {
    const int64_t first = block_start(d->validation_rows, folds, b),
                  last = block_start(d->validation_rows, folds, b + 1);
    return score_clean(k, last - first, k->clean_order + first, y);
  }
  return AIT_OK;
}

/* Trains all folds and scores what each left out. */
static ait_status fit_folds(maker *k, const pool *p, int32_t held_out, ait_made_ranking *ranking) {
  const int32_t folds = count_folds(p), group = group_of(p);
  ait_status status = AIT_OK;
  for (int32_t first = 0; first < folds && status == AIT_OK; first += group) {
    ait_trainer trainer = make_trainer(k, ranking->training.rate);
    status = add_group(k, p, first, held_out, &trainer);
    if (status == AIT_OK) {
      status = ait_trainer_fit(&trainer, ranking->training.steps, k->y);
    }
    for (int32_t s = 0; s < trainer.sets && status == AIT_OK; s++) {
      status = score_fold(k, p, first + s, held_out, k->y + s * k->r->m, ranking);
    }
    ait_trainer_clear(&trainer);
  }
  return status;
}

/* One classifier of all rows of a matrix, trained for `steps` steps. */
static ait_status fit_all(maker *k, const ait_matrix *matrix, const int32_t *labels, double rate, int64_t steps) {
  ait_trainer trainer = make_trainer(k, rate);
  const ait_labelled_rows all = {matrix, labels, ait_matrix_rows(matrix), NULL};
  ait_status status = ait_trainer_add(&trainer, &all, NULL);
  if (status == AIT_OK) {
    status = ait_trainer_fit(&trainer, steps, k->y);
  }
  ait_trainer_clear(&trainer);
  return status;
}

/* ---- what validation rows say ------------------------------------------------------------------ */

/* Every validation row stands there once with its own label and once with each other one, which are the positives. */
static ait_status judge_held_out(maker *k, ait_made_ranking *ranking) {
  const ait_clean_data *d = k->r->data;
  const int64_t n = d->validation_rows * d->classes;
  uint8_t *wrong = malloc((size_t)n);
  if (wrong == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to judge a ranking by %lld validation rows",
                    (long long)d->validation_rows);
  }
  memset(wrong, 1, (size_t)n);
  int64_t agreeing = 0;
  for (int64_t j = 0; j < d->validation_rows; j++) {
    const double *doubt = k->held_out + j * d->classes;
    const int32_t label = d->validation_labels[j];
    wrong[j * d->classes + label] = 0;
    int32_t least = 0;
    for (int32_t c = 1; c < d->classes; c++) {
      least = doubt[c] < doubt[least] ? c : least;
    }
    agreeing += least == label;
  }
  k->accuracy = (double)agreeing / (double)d->validation_rows;
  ait_ranking figures;
  ait_status status = ait_metrics_ranking(n, k->held_out, wrong, &figures);
  free(wrong);
  AIT_TRY(status);
  ranking->held_out_auroc = figures.auroc;
  return AIT_OK;
}

static int64_t count_disagreeing(const ait_clean_data *d, const int32_t *suggested) {
  int64_t count = 0;
  for (int64_t i = 0; i < d->train_rows; i++) {
    count += suggested[i] != d->given[i];
  }
  return count;
}

double ait_rankings_noise(double accuracy, double agreement, int32_t classes) {
  const double chance = (1 - accuracy) / (classes - 1);
  if (!(accuracy > chance)) {
    return NAN;
  }
  return fmin(1, fmax(0, (accuracy - agreement) / (accuracy - chance)));
}

/* ---- the rankings ------------------------------------------------------------------------------ */

/* Steps from rows left out; then, with that number, what validation rows left out make of the ranking, and the ranking
 * itself from classifiers that see all validation rows of the pool. */
static ait_status make_from_pool(maker *k, const pool *p, ait_made_ranking *ranking) {
  const ait_clean_data *d = k->r->data;
  AIT_TRY(find_steps(k, p, &ranking->training));
  AIT_TRY(fit_folds(k, p, 1, ranking));
  AIT_TRY(judge_held_out(k, ranking));
  if (p->noisy == 0) {
    AIT_TRY(fit_all(k, p->matrix, p->labels, ranking->training.rate, ranking->training.steps));
    return score_noisy(k, ranking, d->train_rows, NULL, k->y);
  }
  k->agreement = 1 - (double)count_disagreeing(d, ranking->suggested) / (double)d->train_rows;
  return p->clean > 0 ? fit_folds(k, p, 0, ranking) : AIT_OK;
}

static ait_status make_stack(maker *k) {
  const ait_clean_data *d = k->r->data;
  if (k->stack.matrix != NULL) {
    return AIT_OK;
  }
  for (int64_t i = 0; i < d->train_rows; i++) {
    k->rows[i] = i;
  }
  AIT_TRY(ait_stack_rows(d->train, d->train_rows, k->rows, d->validation, &k->stack));
  memcpy(k->stack_labels, d->given, (size_t)d->train_rows * sizeof *d->given);
  memcpy(k->stack_labels + d->train_rows, d->validation_labels,
         (size_t)d->validation_rows * sizeof *d->validation_labels);
  return AIT_OK;
}

static ait_status make_out_of_fold(maker *k, const uint8_t *dropped, ait_made_ranking *ranking) {
  AIT_TRY(make_stack(k));
  const pool both = {.matrix = k->stack.matrix,
                     .labels = k->stack_labels,
                     .noisy = k->r->data->train_rows,
                     .clean = k->r->data->validation_rows,
                     .dropped = dropped,
                     .judged_by_clean = dropped != NULL};
  AIT_TRY(make_from_pool(k, &both, ranking));
  if (dropped == NULL) {
    k->r->estimated_noise = ait_rankings_noise(k->accuracy, k->agreement, k->r->data->classes);
  }
  return AIT_OK;
}

/* Drops as many rows as are wrong, where that is known, else as many as the estimate says. */
static ait_status make_pruned(maker *k, ait_made_ranking *ranking) {
  ait_rankings *r = k->r;
  const int64_t n = r->data->train_rows;
  if (!r->each[AIT_RANKING_OUT_OF_FOLD].made) {
    return ait_fail(AIT_UNSUPPORTED, "without the out-of-fold ranking there is nothing to prune by");
  }
  if (r->data->truth == NULL && isnan(r->estimated_noise)) {
    return ait_fail(AIT_UNSUPPORTED,
                    "the share of wrong labels cannot be estimated: the classifiers are no better "
                    "than chance on validation rows left out");
  }
  r->pruned = r->data->truth != NULL ? r->data->mislabelled_rows : llround(r->estimated_noise * (double)n);
  memset(k->dropped, 0, (size_t)n);
  for (int64_t place = 0; place < r->pruned; place++) {
    k->dropped[r->orders[AIT_RANKING_OUT_OF_FOLD][place]] = 1;
  }
  return make_out_of_fold(k, k->dropped, ranking);
}

void ait_rankings_add_margins(int64_t n, int32_t classes, const ait_real *probabilities, const int32_t *labels,
                              double *sum) {
  const double least = sizeof(ait_real) == sizeof(double) ? DBL_MIN : FLT_MIN;
  for (int64_t i = 0; i < n; i++) {
    const ait_real *p = probabilities + i * classes;
    double other = least;
    for (int32_t c = 0; c < classes; c++) {
      other = c != labels[i] && (double)p[c] > other ? (double)p[c] : other;
    }
    sum[i] += log(fmax(least, (double)p[labels[i]])) - log(other);
  }
}

/* The margin of the training rows themselves, averaged over the training up to the steps that cross-validation finds.
 */
static ait_status make_margin(maker *k, const pool *noisy, ait_made_ranking *ranking) {
  const ait_clean_data *d = k->r->data;
  const int64_t n = d->train_rows;
  AIT_TRY(find_steps(k, noisy, &ranking->training));
  const int64_t steps = ranking->training.steps, points = fewer(steps, MARGIN_POINTS);
  double *sum = calloc((size_t)n, sizeof *sum);
  if (sum == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the margins of %lld rows", (long long)n);
  }
  ait_status status = AIT_OK;
  for (int64_t point = 1; point <= points && status == AIT_OK; point++) {
    status = fit_all(k, d->train, d->given, ranking->training.rate, point * steps / points);
    if (status == AIT_OK) {
      status = score_noisy(k, ranking, n, NULL, k->y);
    }
    if (status == AIT_OK) {
      ait_rankings_add_margins(n, d->classes, k->probabilities, d->given, sum);
    }
  }
  for (int64_t i = 0; i < n; i++) {
    ranking->score[i] = -sum[i] / (double)points;
  }
  free(sum);
  return status;
}

static ait_status make_kind(maker *k, ait_ranking_kind kind, ait_made_ranking *ranking) {
  const ait_clean_data *d = k->r->data;
  const pool clean = {.matrix = d->validation, .labels = d->validation_labels, .clean = d->validation_rows};
  const pool noisy = {.matrix = d->train, .labels = d->given, .noisy = d->train_rows};
  switch (kind) {
    case AIT_RANKING_VALIDATION:
      AIT_TRY(make_from_pool(k, &clean, ranking));
      return ait_baseline_accuracy(k->r->context, &k->r->network, d->test, d->test_labels, k->y, &ranking->accuracy);
    case AIT_RANKING_CROSS_VALIDATED:
      return make_from_pool(k, &noisy, ranking);
    case AIT_RANKING_OUT_OF_FOLD:
      return make_out_of_fold(k, NULL, ranking);
    case AIT_RANKING_PRUNED:
      return make_pruned(k, ranking);
    default:
      return make_margin(k, &noisy, ranking);
  }
}

/* ---- making all -------------------------------------------------------------------------------- */

static ait_status allocate_ranking(int64_t n, ait_made_ranking *ranking, int64_t **order) {
  AIT_TRY(ait_allocate(n, sizeof *ranking->score, &ranking->score));
  AIT_TRY(ait_allocate(n, sizeof *ranking->given_probability, &ranking->given_probability));
  AIT_TRY(ait_allocate(n, sizeof *ranking->suggested_probability, &ranking->suggested_probability));
  AIT_TRY(ait_allocate(n, sizeof *ranking->suggested, &ranking->suggested));
  return ait_allocate(n, sizeof **order, order);
}

static void free_ranking(ait_made_ranking *ranking, int64_t **order) {
  free(ranking->score);
  free(ranking->given_probability);
  free(ranking->suggested_probability);
  free(ranking->suggested);
  free(*order);
  ranking->score = ranking->given_probability = ranking->suggested_probability = NULL;
  ranking->suggested = NULL;
  *order = NULL;
}

/* At the first of rate, rate / 2, rate / 4, ... that diverges nowhere; then the order and the figures. */
static ait_status attempt(maker *k, ait_ranking_kind kind, ait_made_ranking *ranking) {
  const ait_clean_data *d = k->r->data;
  int64_t **order = &k->r->orders[kind];
  AIT_TRY(allocate_ranking(d->train_rows, ranking, order));
  ait_status status = AIT_DIVERGED;
  for (int tried = 0; tried < AIT_TRAINER_RATES && status == AIT_DIVERGED; tried++) {
    ranking->training.rate = ldexp(k->r->settings->ll_rate, -tried);
    status = make_kind(k, kind, ranking);
  }
  AIT_TRY(status);
  ranking->disagreeing = count_disagreeing(d, ranking->suggested);
  AIT_TRY(ait_metrics_order(d->train_rows, ranking->score, *order));
  return d->truth != NULL ? ait_metrics_ranking(d->train_rows, ranking->score, d->mislabelled, &ranking->figures)
                          : AIT_OK;
}

static void make_ranking(maker *k, ait_ranking_kind kind, const volatile sig_atomic_t *stop) {
  ait_made_ranking *ranking = &k->r->each[kind];
  const double began = ait_run_clock();
  ait_status status;
  if (*stop) {
    k->r->skipped = 1;
    status = ait_fail(AIT_STOPPED, "skipped, as a signal asked to stop");
  } else {
    char note[64];
    snprintf(note, sizeof note, "ranking %s", ait_ranking_words[kind]);
    ait_progress_note(k->r->settings, note);
    status = attempt(k, kind, ranking);
  }
  ranking->made = status == AIT_OK;
  if (!ranking->made) {
    snprintf(ranking->failure, sizeof ranking->failure, "%s", ait_last_error());
    free_ranking(ranking, &k->r->orders[kind]);
  }
  ranking->seconds = ait_run_clock() - began;
}

static ait_status allocate_maker(maker *k) {
  const ait_clean_data *d = k->r->data;
  const int64_t n = d->train_rows, m = d->validation_rows;
  AIT_TRY(ait_allocate(n, sizeof *k->noisy_order, &k->noisy_order));
  AIT_TRY(ait_allocate(m, sizeof *k->clean_order, &k->clean_order));
  AIT_TRY(ait_allocate(n + m, sizeof *k->rows, &k->rows));
  AIT_TRY(ait_allocate(n, sizeof *k->dropped, &k->dropped));
  AIT_TRY(ait_allocate(FOLDS * k->r->m, sizeof *k->y, &k->y));
  AIT_TRY(ait_allocate((n > m ? n : m) * d->classes, sizeof *k->probabilities, &k->probabilities));
  AIT_TRY(ait_allocate(m * d->classes, sizeof *k->held_out, &k->held_out));
  AIT_TRY(ait_allocate(n + m, sizeof *k->stack_labels, &k->stack_labels));
  ait_random_permutation(k->r->settings->seed, AIT_STREAM_FOLDS, n, n, k->noisy_order);
  ait_random_permutation(k->r->settings->seed, AIT_STREAM_FOLDS, m, m, k->clean_order);
  return AIT_OK;
}

static void free_maker(maker *k) {
  free(k->noisy_order);
  free(k->clean_order);
  free(k->rows);
  free(k->dropped);
  free(k->y);
  free(k->probabilities);
  free(k->held_out);
  free(k->stack_labels);
  ait_stack_free(&k->stack);
}

/* The one that validation rows left out judge best; where they judged none, the first made. */
static int32_t find_best(const ait_rankings *r) {
  int32_t best = -1;
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    const double held_out = r->each[kind].held_out_auroc;
    if (r->each[kind].made && (best == -1 || held_out > r->each[best].held_out_auroc ||
                               (!isnan(held_out) && isnan(r->each[best].held_out_auroc)))) {
      best = kind;
    }
  }
  return best;
}

/* How many rows the best ranking flags, and how many of them each other one flags. */
static ait_status compare_with_best(ait_rankings *r) {
  const ait_clean_data *d = r->data;
  r->best = find_best(r);
  r->flagged = d->truth != NULL ? d->mislabelled_rows : r->best >= 0 ? r->each[r->best].disagreeing : 0;
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    int64_t shared;
    r->each[kind].with_best = NAN;
    if (r->each[kind].made && r->flagged > 0) {
      AIT_TRY(ait_metrics_shared(d->train_rows, r->flagged, r->orders[r->best], r->orders[kind], &shared));
      r->each[kind].with_best = (double)shared / (double)r->flagged;
    }
  }
  return AIT_OK;
}

ait_status ait_rankings_make(ait_context *context, const ait_clean_settings *settings, const ait_clean_data *data,
                             const int32_t asked[AIT_RANKING_COUNT], int64_t most_steps,
                             const volatile sig_atomic_t *stop, ait_rankings *r) {
  *r = (ait_rankings){.context = context,
                      .settings = settings,
                      .data = data,
                      .most_steps = most_steps,
                      .estimated_noise = NAN,
                      .best = -1};
  ait_model_network(&settings->model, (ait_activation)settings->activation, data->features, data->classes, r->sizes,
                    &r->network);
  r->m = ait_network_parameters(&r->network);
  maker k = {.r = r};
  ait_status status = allocate_maker(&k);
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT && status == AIT_OK; kind++) {
    r->each[kind].held_out_auroc = r->each[kind].accuracy = NAN;
    r->each[kind].asked = asked[kind] || (kind == AIT_RANKING_OUT_OF_FOLD && asked[AIT_RANKING_PRUNED]);
    if (r->each[kind].asked) {
      make_ranking(&k, (ait_ranking_kind)kind, stop);
    }
  }
  free_maker(&k);
  return status == AIT_OK ? compare_with_best(r) : status;
}

void ait_rankings_free(ait_rankings *r) {
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    free_ranking(&r->each[kind], &r->orders[kind]);
  }
  *r = (ait_rankings){0};
}
