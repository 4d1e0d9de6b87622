/* noise_models.c - the checkpoint of a run of transition cleaning (checkpoints.h). */
#include <stdlib.h>
#include <string.h>

#include "checkpoints.h"
#include "run/transition_parts.h"
#include "targets.h"

enum { CLASSES = 2, PARAMETERS = 3, STEPS = 4, POINTS = 3 };

/* Made at the first call, and there as long as the process. */
typedef struct one_run {
  ait_clean_settings settings;
  ait_clean_data data;
  ait_transition_run run;
  ait_transition_series series;
  fuzz_part saved;
} one_run;

static void *zeros(size_t count, size_t size) {
  void *memory = calloc(count, size);
  FUZZ_EXPECT(memory != NULL);
  return memory;
}

static void fill(one_run *one) {
  ait_transition_run *run = &one->run;
  one->settings.quiet = 1;
  one->data.classes = CLASSES;
  run->settings = &one->settings;
  run->data = &one->data;
  run->m = PARAMETERS;
  run->steps = STEPS;
  run->alone = zeros((size_t)AIT_TRANSITION_FOLDS * PARAMETERS, sizeof *run->alone);
  for (int32_t kind = 0; kind < AIT_ARM_COUNT; kind++) {
    run->arms[kind].chances = zeros(CLASSES * CLASSES, sizeof *run->arms[kind].chances);
    run->arms[kind].y = zeros((size_t)AIT_TRANSITION_FOLDS * PARAMETERS, sizeof *run->arms[kind].y);
    run->arms[kind].points = run->arms[kind].iterations = POINTS;
  }
}

/* A stop that is asked for saves the run. */
static void save(one_run *one) {
  static const volatile sig_atomic_t stop = 1;
  ait_checkpoint checkpoint;
  fuzz_begin_checkpoint(&checkpoint);
  FUZZ_EXPECT(ait_transition_series_begin(&checkpoint, 1, &one->run, &one->series) == AIT_OK);
  one->run.series = &one->series;
  one->run.stop = &stop;
  one->series.begun = 1;
  FUZZ_EXPECT(ait_transition_keep(&one->run, 0) == AIT_OK);
  one->saved = fuzz_read_saved();
  ait_checkpoint_end(&checkpoint);
}

static one_run *open_run(void) {
  static one_run one;
  if (one.saved.data == NULL) {
    fill(&one);
    save(&one);
  }
  return &one;
}

/* Nonzero where the run goes on. */
static int go_on(void *of, ait_checkpoint *checkpoint) {
  one_run *one = of;
  ait_transition_run *run = &one->run;
  run->failure[0] = '\0';
  const int goes_on = fuzz_succeeded(ait_transition_series_begin(checkpoint, 1, run, &one->series)) &&
                      fuzz_succeeded(ait_transition_go_on(run));
  for (int32_t kind = 0; kind < AIT_ARM_MEAN && goes_on; kind++) {
    FUZZ_EXPECT(run->arms[kind].points >= 0 && run->arms[kind].points <= AIT_TRANSITION_MOST_POINTS);
  }
  free(run->solver_state);
  run->solver_state = NULL;
  return goes_on;
}

int fuzz_noise_models(const uint8_t *data, size_t size) {
  one_run *one = open_run();
  fuzz_resume((fuzz_part){data, size}, one->saved, go_on, one);
  return 0;
}
