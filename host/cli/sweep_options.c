/* sweep_options.c - the options of a sweep: lists of what a single run has one of. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "context/error.h"
#include "run/sweep.h"

enum { KEY_SEEDS = 1280, KEY_NOISE_RATES };

static const struct argp_option options[] = {
    {"noise-rates", KEY_NOISE_RATES, "LIST", 0, "In place of --noise: rates such as 0.1,0.3,0.5, a run each", 1},
    {"seeds", KEY_SEEDS, "LIST", 0,
     "In place of --seed: seeds such as 0..9 or 0,3,5, a run each. The runs of a sweep (of weights all in one batch, "
     "of "
     "noise models one after another) come to what single runs would; each has a folder in --out, with sweep.csv and "
     "sweep.json beside them",
     5},
    {0}};

/* Puts a rate behind those that are there, unless it is one of them. */
static ait_status append_rate(const char *text, double rate, ait_sweep_lists *lists) {
  for (int64_t i = 0; i < lists->rate_count; i++) {
    if (lists->rates[i] == rate) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--noise-rates %s: rate %g stands there twice", text, rate);
    }
  }
  if (lists->rate_count == AIT_SWEEP_MOST_RUNS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--noise-rates: expected at most %d rates", AIT_SWEEP_MOST_RUNS);
  }
  lists->rates[lists->rate_count++] = rate;
  return AIT_OK;
}

static ait_status parse_rates(const char *text, ait_sweep_lists *lists) {
  const char *rest = text;
  for (;; rest++) {
    char *end;
    const double rate = strtod(rest, &end);
    if (end == rest || (*end != ',' && *end != '\0') || !(rate >= 0 && rate <= 1)) {
      return ait_fail(AIT_INVALID_ARGUMENT, "--noise-rates %s: expected rates from 0 to 1 such as 0.1,0.3,0.5", text);
    }
    AIT_TRY(append_rate(text, rate, lists));
    rest = end;
    if (*rest == '\0') {
      return AIT_OK;
    }
  }
}

static ait_status take_rates(const char *text, ait_sweep_lists *lists) {
  double *rates = realloc(lists->rates, AIT_SWEEP_MOST_RUNS * sizeof *rates);
  if (rates == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a list of noise rates");
  }
  lists->rates = rates;
  lists->rate_count = 0;
  return parse_rates(text, lists);
}

/* The last of several --seeds counts, as with every option. */
static ait_status take_seeds(const char *text, ait_sweep_lists *lists) {
  free(lists->seeds);
  lists->seeds = NULL;
  return ait_option_seeds("--seeds", text, &lists->seeds, &lists->seed_count);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  switch (key) {
    case KEY_SEEDS:
      return ait_option_fail(take_seeds(text, state->input));
    case KEY_NOISE_RATES:
      return ait_option_fail(take_rates(text, state->input));
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

const struct argp ait_sweep_argp = {.options = options, .parser = parse};
