/* checkpoints.c - checkpoints for fuzz targets. */
#include "checkpoints.h"

#include <stdlib.h>
#include <string.h>

static const char name[] = "checkpoint.ait";

/* ---- a run's own ------------------------------------------------------------------------------- */

void fuzz_begin_checkpoint(ait_checkpoint *checkpoint) {
  char *const arguments[] = {(char *)"--quiet", NULL};
  FUZZ_EXPECT(ait_checkpoint_begin(fuzz_path(name), arguments, checkpoint) == AIT_OK);
  free(checkpoint->origin.folder);
  checkpoint->origin.folder = strdup("/");
  checkpoint->origin.device = strdup("cpu: data pass v4");
  FUZZ_EXPECT(checkpoint->origin.folder != NULL && checkpoint->origin.device != NULL);
}

fuzz_part fuzz_read_saved(void) {
  ait_checkpoint_block block;
  ait_reader reader;
  FUZZ_EXPECT(ait_checkpoint_block_read(fuzz_path(name), &block, &reader) == AIT_OK);
  uint8_t *content = malloc(reader.left);
  FUZZ_EXPECT(content != NULL);
  memcpy(content, reader.data, reader.left);
  ait_checkpoint_block_end(&block);
  return (fuzz_part){content, reader.left};
}

/* ---- others ------------------------------------------------------------------------------------ */

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
  ait_put_text(&writer, "ait");
  ait_put_text(&writer, ait_version());
  seal((fuzz_part){names, writer.count}, content);
}

static void seal_changed(fuzz_part changes, fuzz_part saved) {
  unsigned char *content = malloc(saved.size);
  FUZZ_EXPECT(content != NULL);
  memcpy(content, saved.data, saved.size);
  while (changes.size >= 3) {
    const size_t place = fuzz_take_byte(&changes) | (size_t)fuzz_take_byte(&changes) << 8;
    content[place % saved.size] = fuzz_take_byte(&changes);
  }
  seal((fuzz_part){NULL, 0}, (fuzz_part){content, saved.size});
  free(content);
}

/* Writes the checkpoint that an input asks for. Nonzero where it is `saved` without a change. */
static int put_checkpoint(fuzz_part input, fuzz_part saved) {
  switch ((fuzz_kind)(fuzz_take_byte(&input) % FUZZ_KINDS)) {
    case FUZZ_AS_IT_IS:
      fuzz_put(name, input);
      return 0;
    case FUZZ_SEALED:
      seal((fuzz_part){NULL, 0}, input);
      return 0;
    case FUZZ_OF_THIS_PROGRAM:
      seal_of_this_program(input);
      return 0;
    default:
      seal_changed(input, saved);
      return input.size < 3;
  }
}

void fuzz_resume(fuzz_part input, fuzz_part saved, fuzz_go_on go_on, void *run) {
  const int is_unchanged = put_checkpoint(input, saved);
  int goes_on = 0;
  ait_checkpoint checkpoint;
  if (fuzz_succeeded(ait_checkpoint_open(fuzz_path(name), &checkpoint))) {
    goes_on = go_on(run, &checkpoint);
    ait_checkpoint_end(&checkpoint);
  }
  FUZZ_EXPECT(goes_on || !is_unchanged);
}
