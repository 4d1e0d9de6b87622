/* checkpoint.c - checkpoints: the file, who wrote it, and the state of a batch of one run. The first byte of an input
 * says what is made of the rest: a file as it is; a file with the right head and checksum around these bytes; the same
 * behind the right program and version; or the checkpoint of a run, in which bytes are changed before it is sealed. */
#include <stdlib.h>
#include <string.h>

#include "ait/problems.h"
#include "context/context.h"
#include "files.h"
#include "run/batch_state.h"
#include "targets.h"

enum { AS_IT_IS, SEALED, OF_THIS_PROGRAM, CHANGED, KINDS, VARIABLES = 2, LL_STEPS = 3, ITERATIONS = 5, MADE = 2 };

static const char name[] = "checkpoint.ait";

/* ---- a run ------------------------------------------------------------------------------------- */

typedef struct one_run {
  ait_clean_settings settings;
  ait_run run, *runs;
  int64_t kbar_counts[LL_STEPS + 1];
  ait_batch batch;
  int is_there;
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

/* Made at the first call; the context lasts as long as the process. */
static ait_batch *open_run(void) {
  static one_run one;
  if (!one.is_there) {
    one.settings.ll_steps = LL_STEPS;
    one.settings.iterations = ITERATIONS;
    one.run.kbar_counts = one.kbar_counts;
    one.runs = &one.run;
    one.batch = (ait_batch){.settings = &one.settings, .count = 1, .runs = &one.runs, .all_count = 1, .all = &one.run};
    open_batch(&one.batch);
    one.is_there = 1;
  }
  return &one.batch;
}

/* ---- a file ------------------------------------------------------------------------------------ */

static void put_names(const char *program, ait_writer *writer) {
  ait_put_text(writer, program);
  ait_put_text(writer, ait_version());
}

static void seal(fuzz_part before, fuzz_part content) {
  ait_checkpoint_block block;
  ait_writer writer;
  FUZZ_EXPECT(ait_checkpoint_block_begin(before.size + content.size, &block, &writer) == AIT_OK);
  ait_put_bytes(&writer, before.size, before.data);
  ait_put_bytes(&writer, content.size, content.data);
  FUZZ_EXPECT(ait_checkpoint_block_write(&block, fuzz_path(name)) == AIT_OK);
  ait_checkpoint_block_end(&block);
}

static void seal_of_this_program(fuzz_part content) {
  unsigned char names[64];
  ait_writer writer = {.data = names};
  put_names("ait", &writer);
  seal((fuzz_part){names, writer.count}, content);
}

/* What a run of two iterations keeps, behind who wrote it. */
static void put_run(ait_batch *batch, ait_writer *writer) {
  ait_put_text(writer, "/");
  ait_put_whole(writer, 1);
  ait_put_text(writer, "--quiet");
  ait_put_text(writer, "cpu: data pass v4");
  ait_put_whole(writer, 7);
  FUZZ_EXPECT(ait_batch_put(batch, writer) == AIT_OK);
}

/* Three bytes of the input each: where, and what goes there. */
static void seal_changed(fuzz_part changes) {
  ait_batch *batch = open_run();
  ait_history_clear(&batch->runs[0]->history);
  for (int i = 0; i < MADE; i++) {
    const ait_history_row row = {.t = i + 1, .kbar = 2};
    FUZZ_EXPECT(ait_history_append(&batch->runs[0]->history, &row) == AIT_OK);
  }
  batch->runs[0]->iterations = MADE;
  batch->runs[0]->failure[0] = '\0';
  ait_writer writer = {.data = NULL};
  put_run(batch, &writer);
  unsigned char *content = malloc(writer.count);
  FUZZ_EXPECT(content != NULL);
  writer = (ait_writer){.data = content};
  put_run(batch, &writer);
  while (changes.size >= 3) {
    const size_t place = fuzz_take_byte(&changes) | (size_t)fuzz_take_byte(&changes) << 8;
    content[place % writer.count] = fuzz_take_byte(&changes);
  }
  seal_of_this_program((fuzz_part){content, writer.count});
  free(content);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Nonzero where the run goes on. */
static int go_on(ait_checkpoint *checkpoint) {
  ait_batch *batch = open_run();
  ait_run *run = batch->runs[0];
  ait_history_clear(&run->history);
  const int goes_on = fuzz_succeeded(ait_batch_take_failures(&checkpoint->resumed, 1, run)) &&
                      fuzz_succeeded(ait_batch_take(batch, &checkpoint->resumed)) &&
                      fuzz_succeeded(ait_checkpoint_went_on(checkpoint));
  if (goes_on) {
    FUZZ_EXPECT(run->iterations >= 0 && run->iterations <= ITERATIONS && run->iterations == run->history.count);
  }
  ait_history_clear(&run->history);
  return goes_on;
}

static int read_back(void) {
  ait_checkpoint checkpoint;
  if (!fuzz_succeeded(ait_checkpoint_open(fuzz_path(name), &checkpoint))) {
    return 0;
  }
  const int goes_on = go_on(&checkpoint);
  ait_checkpoint_end(&checkpoint);
  return goes_on;
}

int fuzz_checkpoint(const uint8_t *data, size_t size) {
  fuzz_part input = {data, size};
  const int kind = fuzz_take_byte(&input) % KINDS;
  if (kind == AS_IT_IS) {
    fuzz_put(name, input);
  } else if (kind == SEALED) {
    seal((fuzz_part){NULL, 0}, input);
  } else if (kind == OF_THIS_PROGRAM) {
    seal_of_this_program(input);
  } else {
    seal_changed(input);
  }
  const int goes_on = read_back(), is_unchanged = kind == CHANGED && input.size < 3;
  FUZZ_EXPECT(goes_on || !is_unchanged);
  return 0;
}
