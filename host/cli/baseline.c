/* baseline.c - ait baseline: the cheap rankings of a data set. */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/signals.h"
#include "context/error.h"
#include "run/claim.h"
#include "run/inputs.h"
#include "run/rankings.h"
#include "run/rate.h"

enum { KEY_RANKINGS = 256, KEY_STEPS, KEY_LL_RATE, KEY_SEED };

#define SHOW(macro) AIT_TEXT_OF(macro)

typedef struct baseline_settings {
  ait_clean_settings clean;
  int32_t asked[AIT_RANKING_COUNT];
  int64_t steps;
} baseline_settings;

static const struct argp_option options[] = {
    {"rankings", KEY_RANKINGS, "LIST", 0,
     "Which, of validation, cross-validated, out-of-fold, pruned and margin, with commas between (default: all; pruned "
     "brings out-of-fold along)",
     4},
    {NULL, 0, NULL, 0, "Training:", 5},
    {"steps", KEY_STEPS, "N", 0,
     "Steps of a training at most; how many are best is found on rows left out (default " SHOW(
         AIT_DEFAULT_BASELINE_STEPS) ")",
     5},
    {"ll-rate", KEY_LL_RATE, "A", 0,
     "Size of a step, or auto: by the curvature at the start (default " SHOW(
         AIT_DEFAULT_LL_RATE) "; halved where a training diverges)",
     5},
    {"seed", KEY_SEED, "S", 0, "Decides split, noise, folds and start; the same seed repeats a run (default 0)", 5},
    {0}};

static const char documentation[] =
    "Rank the rows of a data set by how suspect their labels are, by the cheap means that hyper-cleaning has to beat: "
    "plain classifiers that doubt a given label where they find it improbable.\v"
    "Rankings:\n"
    "  validation       a classifier trained on the clean validation rows alone\n"
    "  cross-validated  classifiers of the training rows alone, each on the rows that it has not seen\n"
    "  out-of-fold      the same with the validation rows beside the training rows\n"
    "  pruned           the same, trained anew without the rows that are doubted most\n"
    "  margin           how far the given label's logit is above the others, averaged over a training\n\n"
    "suspects.csv holds the ranking that does best on validation rows left out. Ctrl-C skips the rankings after the "
    "one under way and writes what there is. Exit status: 0 success, 1 a ranking could not be made or was skipped, 2 "
    "wrong usage.\n\n"
    "Example:\n"
    "  " AIT_PROGRAM " baseline --dataset fashion-mnist --validation 100 --out cheap";

/* ---- options ----------------------------------------------------------------------------------- */

/* "validation,pruned" */
static ait_status parse_rankings(const char *text, int32_t asked[AIT_RANKING_COUNT]) {
  memset(asked, 0, AIT_RANKING_COUNT * sizeof *asked);
  for (const char *word = text;; word++) {
    char name[32];
    const size_t length = strcspn(word, ",");
    int32_t kind;
    snprintf(name, sizeof name, "%.*s", (int)length, word);
    AIT_TRY(ait_option_choice("--rankings", name, ait_ranking_words, &kind));
    if (asked[kind]) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--rankings %s: %s stands there twice", text, name);
    }
    asked[kind] = 1;
    word += length;
    if (*word == '\0') {
      return AIT_OK;
    }
  }
}

static error_t parse(int key, char *text, struct argp_state *state) {
  baseline_settings *s = state->input;
  switch (key) {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &s->clean;
      return 0;
    case KEY_RANKINGS:
      return ait_option_fail(parse_rankings(text, s->asked));
    case KEY_STEPS:
      return ait_option_fail(ait_option_steps("--steps", text, &s->steps));
    case KEY_LL_RATE:
      return ait_option_fail(ait_option_rate("--ll-rate", text, &s->clean.ll_rate_auto, &s->clean.ll_rate));
    case KEY_SEED:
      return ait_option_fail(ait_option_seed("--seed", text, &s->clean.seed));
    case ARGP_KEY_ARG:
      return ait_option_fail(
          ait_fail(AIT_INVALID_ARGUMENT, "baseline: %s is no option; data come in by --dataset or --images", text));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

/* ---- the command ------------------------------------------------------------------------------- */

/* Fails with the sentence of the first ranking that could not be made; `left` says what there is all the same. */
static ait_status verdict(const ait_rankings *rankings, const char *left) {
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    const ait_made_ranking *ranking = &rankings->each[kind];
    if (ranking->asked && !ranking->made) {
      return ait_fail(rankings->skipped ? AIT_STOPPED : AIT_UNSUPPORTED, "%s: ranking %s: %s", left,
                      ait_ranking_words[kind], ranking->failure);
    }
  }
  return AIT_OK;
}

/* Writes and prints what there is; fails with the sentence of the first ranking that could not be made. */
static ait_status finish(const ait_rankings *rankings, const baseline_settings *s, ait_folder *folder) {
  if (rankings->best < 0) {
    return verdict(rankings, "nothing was written");
  }
  sigset_t before;
  ait_signals_hold(&before);
  ait_status status = ait_rankings_write(rankings, folder);
  ait_signals_release(&before);
  AIT_TRY(status);
  if (!s->clean.quiet) {
    ait_rankings_print(rankings, s->clean.out, stdout);
  }
  return verdict(rankings, s->clean.out);
}

static ait_status rank(const baseline_settings *s, ait_context *context, const ait_clean_data *data,
                       ait_folder *folder) {
  ait_rankings rankings;
  ait_warn_of_data(data, s->clean.quiet);
  ait_signals_catch(s->clean.quiet);
  if (!s->clean.quiet) {
    ait_announce_device(s->clean.device, context);
  }
  ait_status status = ait_rankings_make(context, &s->clean, data, s->asked, s->steps, &ait_stop_asked, &rankings);
  if (status == AIT_OK) {
    status = finish(&rankings, s, folder);
  }
  ait_rankings_free(&rankings);
  return status;
}

static ait_status load_and_rank(const baseline_settings *s, ait_folder *folder) {
  ait_clean_data data;
  AIT_TRY(ait_clean_data_load(&s->clean, &data));
  ait_context *context;
  ait_status status = ait_open_device(s->clean.device, s->clean.threads, s->clean.math, &context);
  if (status == AIT_OK) {
    baseline_settings chosen = *s;
    status = ait_clean_settings_choose_rate(context, &data, &chosen.clean);
    if (status == AIT_OK) {
      status = rank(&chosen, context, &data, folder);
    }
    ait_context_destroy(context);
  }
  ait_clean_data_free(&data);
  return status;
}

static ait_status baseline(const baseline_settings *s) {
  ait_folder folder;
  ait_claim claim;
  AIT_TRY(ait_folder_check(s->clean.out, s->clean.force, &folder));
  AIT_TRY(ait_inputs_check(&s->clean, &folder));
  AIT_TRY(ait_claim_take(&folder, &claim));
  const ait_status status = load_and_rank(s, &folder);
  ait_claim_release(&claim);
  return status;
}

int ait_command_baseline(int argc, char **argv) {
  const struct argp_child children[] = {{&ait_data_argp, 0, NULL, 0}, {0}};
  const struct argp argp = {.options = options, .parser = parse, .doc = documentation, .children = children};
  baseline_settings settings = {.steps = AIT_DEFAULT_BASELINE_STEPS};
  ait_clean_settings_init(&settings.clean);
  for (int32_t kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    settings.asked[kind] = 1;
  }
  ait_status status = ait_parse_options(&argp, argc, argv, "baseline", &settings);
  if (status == AIT_OK) {
    status = ait_clean_settings_complete(&settings.clean);
  }
  if (status == AIT_OK) {
    status = baseline(&settings);
  }
  return ait_exit_status(status);
}
