/* checkpoint.c - the checkpoint of a batch of one run of weights that holds validation rows out (checkpoints.h). */
#include <stdlib.h>
#include <string.h>

#include "ait/problems.h"
#include "checkpoints.h"
#include "context/context.h"
#include "run/batch_state.h"
#include "targets.h"

enum { VARIABLES = 2, LL_STEPS = 3, ITERATIONS = 5, MADE = 2, BEST = 1 };

/* Made at the first call, and there as long as the process. */
typedef struct one_run {
  ait_clean_settings settings;
  ait_run run, *runs;
  int64_t kbar_counts[LL_STEPS + 1];
  ait_batch batch;
  fuzz_part saved;
} one_run;

static void open_batch(ait_batch *b) {
  const ait_real x[VARIABLES] = {1, 2}, z[2 * VARIABLES] = {0};
  ait_context_options context_options;
  ait_solver_options options;
  ait_context_options_init(&context_options);
  context_options.device = "cpu";
  context_options.threads = 1;
  FUZZ_EXPECT(ait_context_create(&context_options, &b->context) == AIT_OK);
  FUZZ_EXPECT(ait_problem_create_convex(b->context, VARIABLES, &b->problem) == AIT_OK);
  ait_solver_options_init(&options);
  options.ll_steps = LL_STEPS;
  FUZZ_EXPECT(ait_solver_create(b->problem, &options, x, z, &b->solver) == AIT_OK);
  b->n = VARIABLES;
  b->gradient_sum = calloc(VARIABLES, sizeof *b->gradient_sum);
  FUZZ_EXPECT(b->gradient_sum != NULL);
}

/* Of its iterations the first was the best for the rows held out. */
static void open_early_stopping(const ait_batch *b, ait_early_stopping *early) {
  static const float row[] = {0.5F, 1};
  static const int64_t sizes[] = {2, 2};
  const ait_network network = {.layers = 1, .sizes = sizes, .activation = AIT_ACTIVATION_NONE};
  static ait_matrix *rows;
  int32_t is_best;
  FUZZ_EXPECT(ait_matrix_view(AIT_F32, 1, 2, 2, row, &rows) == AIT_OK);
  FUZZ_EXPECT(ait_predictor_create(b->context, &network, rows, &early->predictor) == AIT_OK);
  early->n = VARIABLES;
  early->gradient_sum = calloc(VARIABLES, sizeof *early->gradient_sum);
  FUZZ_EXPECT(early->gradient_sum != NULL);
  FUZZ_EXPECT(ait_early_count(early, BEST, 0.5, ait_solver_state_size(b->solver), &is_best) == AIT_OK);
  FUZZ_EXPECT(ait_solver_get_state(b->solver, early->state) == AIT_OK);
}

static void save(one_run *one) {
  ait_checkpoint checkpoint;
  for (int i = 0; i < MADE; i++) {
    const ait_history_row row = {.t = i + 1, .kbar = 2};
    FUZZ_EXPECT(ait_history_append(&one->run.history, &row) == AIT_OK);
  }
  one->run.iterations = MADE;
  fuzz_begin_checkpoint(&checkpoint);
  FUZZ_EXPECT(ait_checkpoint_save(&checkpoint, MADE, ait_batch_put, &one->batch) == AIT_OK);
  one->saved = fuzz_read_saved();
  ait_checkpoint_end(&checkpoint);
}

static one_run *open_run(void) {
  static one_run one;
  if (one.saved.data == NULL) {
    one.settings.ll_steps = LL_STEPS;
    one.settings.iterations = ITERATIONS;
    one.run.kbar_counts = one.kbar_counts;
    one.runs = &one.run;
    one.batch = (ait_batch){.settings = &one.settings, .count = 1, .runs = &one.runs, .all_count = 1, .all = &one.run};
    open_batch(&one.batch);
    open_early_stopping(&one.batch, &one.run.early);
    save(&one);
  }
  return &one;
}

/* Nonzero where the run goes on. */
static int go_on(void *of, ait_checkpoint *checkpoint) {
  one_run *one = of;
  ait_run *run = &one->run;
  ait_history_clear(&run->history);
  const int goes_on = fuzz_succeeded(ait_batch_take_failures(&checkpoint->resumed, 1, run)) &&
                      fuzz_succeeded(ait_batch_take(&one->batch, &checkpoint->resumed)) &&
                      fuzz_succeeded(ait_checkpoint_went_on(checkpoint));
  if (goes_on) {
    FUZZ_EXPECT(run->iterations >= 0 && run->iterations <= ITERATIONS && run->iterations == run->history.count);
    FUZZ_EXPECT(run->early.iteration >= 0 && run->early.iteration <= run->iterations);
  }
  ait_history_clear(&run->history);
  return goes_on;
}

int fuzz_checkpoint(const uint8_t *data, size_t size) {
  one_run *one = open_run();
  fuzz_resume((fuzz_part){data, size}, one->saved, go_on, one);
  return 0;
}
