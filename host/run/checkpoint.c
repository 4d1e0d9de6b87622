/* checkpoint.c - what a run that was cut off goes on from: who wrote it, when it is saved, and its reading. */
#include "run/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/context.h"
#include "context/error.h"
#include "run/fingerprint.h"
#include "run/run.h"

#ifdef AIT_DOUBLE
static const char *const this_program = "ait64";
#else
static const char *const this_program = "ait";
#endif

/* ---- who wrote it ------------------------------------------------------------------------------ */

static void put_origin(const ait_checkpoint_origin *origin, ait_writer *writer) {
  ait_put_text(writer, origin->program);
  ait_put_text(writer, origin->version);
  ait_put_text(writer, origin->folder);
  ait_put_whole(writer, origin->argument_count);
  for (int64_t i = 0; i < origin->argument_count; i++) {
    ait_put_text(writer, origin->arguments[i]);
  }
  ait_put_text(writer, origin->device);
  ait_put_whole(writer, (int64_t)origin->rows);
}

static void free_origin(ait_checkpoint_origin *origin) {
  for (int64_t i = 0; origin->arguments != NULL && i < origin->argument_count; i++) {
    free(origin->arguments[i]);
  }
  free(origin->arguments);
  free(origin->program);
  free(origin->version);
  free(origin->folder);
  free(origin->device);
  *origin = (ait_checkpoint_origin){.program = NULL};
}

static void take_arguments(ait_reader *reader, ait_checkpoint_origin *origin) {
  const int64_t count = ait_take_count(reader, sizeof(int64_t));
  origin->arguments = calloc((size_t)count + 1, sizeof *origin->arguments);
  if (origin->arguments == NULL) {
    reader->failed = reader->out_of_memory = 1;
    return;
  }
  origin->argument_count = count;
  for (int64_t i = 0; i < count; i++) {
    origin->arguments[i] = ait_take_text(reader);
  }
}

/* Its layout is that of this version alone. */
static ait_status check_writer(const char *path, const ait_checkpoint_origin *found) {
  if (strcmp(found->program, this_program) == 0 && strcmp(found->version, ait_version()) == 0) {
    return AIT_OK;
  }
  return ait_fail(AIT_BAD_DATA,
                  "%s: was written by %s %s, this is %s %s: resume with that program, or begin anew with --force", path,
                  found->program, found->version, this_program, ait_version());
}

static ait_status take_origin(const char *path, ait_reader *reader, ait_checkpoint_origin *origin) {
  origin->program = ait_take_text(reader);
  origin->version = ait_take_text(reader);
  if (!reader->failed) {
    AIT_TRY(check_writer(path, origin));
    origin->folder = ait_take_text(reader);
    take_arguments(reader, origin);
    origin->device = ait_take_text(reader);
    origin->rows = (uint64_t)ait_take_whole(reader);
  }
  if (reader->out_of_memory) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to read it", path);
  }
  return reader->failed ? ait_fail(AIT_BAD_DATA, "%s: does not say whose it is", path) : AIT_OK;
}

/* ---- begin and end ----------------------------------------------------------------------------- */

ait_status ait_checkpoint_open(const char *path, ait_checkpoint *checkpoint) {
  *checkpoint = (ait_checkpoint){.every_iterations = 0};
  snprintf(checkpoint->path, sizeof checkpoint->path, "%s", path);
  AIT_TRY(ait_checkpoint_block_read(path, &checkpoint->block, &checkpoint->resumed));
  const ait_status status = take_origin(path, &checkpoint->resumed, &checkpoint->origin);
  if (status != AIT_OK) {
    ait_checkpoint_end(checkpoint);
    return status;
  }
  checkpoint->is_there = 1;
  return AIT_OK;
}

static int copy_arguments(char *const *arguments, ait_checkpoint_origin *origin) {
  int64_t count = 0;
  while (arguments[count] != NULL) {
    count++;
  }
  origin->arguments = calloc((size_t)count + 1, sizeof *origin->arguments);
  int copied = origin->arguments != NULL;
  for (; copied && origin->argument_count < count; origin->argument_count++) {
    char **copy = &origin->arguments[origin->argument_count];
    *copy = strdup(arguments[origin->argument_count]);
    copied = *copy != NULL;
  }
  return copied;
}

ait_status ait_checkpoint_begin(const char *path, char *const *arguments, ait_checkpoint *checkpoint) {
  *checkpoint = (ait_checkpoint){.every_iterations = 0};
  snprintf(checkpoint->path, sizeof checkpoint->path, "%s", path);
  ait_checkpoint_origin *origin = &checkpoint->origin;
  origin->program = strdup(this_program);
  origin->version = strdup(ait_version());
  origin->folder = getcwd(NULL, 0);
  if (origin->folder == NULL) { /* one that has been removed */
    origin->folder = strdup("");
  }
  if (!copy_arguments(arguments, origin) || origin->program == NULL || origin->version == NULL ||
      origin->folder == NULL) {
    ait_checkpoint_end(checkpoint);
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for checkpoints");
  }
  return AIT_OK;
}

void ait_checkpoint_end(ait_checkpoint *checkpoint) {
  ait_checkpoint_block_end(&checkpoint->held);
  ait_checkpoint_block_end(&checkpoint->block);
  free_origin(&checkpoint->origin);
  *checkpoint = (ait_checkpoint){.every_iterations = 0};
}

/* ---- device and rows --------------------------------------------------------------------------- */

/* "cpu: data pass v4, OpenBLAS ..."; which of several equal GPUs it is changes nothing. */
static ait_status bind_device(ait_checkpoint *checkpoint, const ait_context *context) {
  ait_checkpoint_origin *origin = &checkpoint->origin;
  char here[384];
  snprintf(here, sizeof here, "%s: %s", context->device.runtime->kind, context->device.arithmetic);
  if (origin->device == NULL) {
    origin->device = strdup(here);
    return origin->device != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "no memory for checkpoints");
  }
  if (strcmp(origin->device, here) == 0) {
    return AIT_OK;
  }
  return ait_fail(
      AIT_UNSUPPORTED,
      "%s: was written on [%s], this is [%s], which does not come to the same bits: resume on such a device "
      "(AIT_CPU_KERNEL chooses the data pass of a CPU), or begin anew with --force",
      checkpoint->path, origin->device, here);
}

ait_status ait_checkpoint_bind(ait_checkpoint *checkpoint, const ait_context *context, int64_t count,
                               const ait_clean_data *data) {
  const int32_t is_opened = checkpoint->origin.device != NULL;
  uint64_t rows;
  AIT_TRY(bind_device(checkpoint, context));
  AIT_TRY(ait_fingerprint(count, data, &rows));
  if (is_opened && rows != checkpoint->origin.rows) {
    return ait_fail(
        AIT_BAD_DATA,
        "%s: rows, labels or ids are not those that the run began with: put back the files it read, or begin "
        "anew with --force",
        checkpoint->path);
  }
  checkpoint->origin.rows = rows;
  return AIT_OK;
}

/* ---- saving ------------------------------------------------------------------------------------ */

void ait_checkpoint_start(ait_checkpoint *checkpoint, int64_t iterations) {
  checkpoint->seen_iterations = iterations;
  checkpoint->seen_clock = ait_run_clock();
}

int32_t ait_checkpoint_is_due(const ait_checkpoint *c, int64_t iterations) {
  return (c->every_iterations > 0 && iterations - c->seen_iterations >= c->every_iterations) ||
         (c->every_seconds > 0 && ait_run_clock() - c->seen_clock >= c->every_seconds);
}

static ait_status fill(const ait_checkpoint *checkpoint, ait_checkpoint_put put, void *run,
                       ait_checkpoint_block *block) {
  ait_writer writer = {.data = NULL};
  put_origin(&checkpoint->origin, &writer);
  AIT_TRY(put(run, &writer));
  AIT_TRY(ait_checkpoint_block_begin(writer.count, block, &writer));
  put_origin(&checkpoint->origin, &writer);
  return put(run, &writer);
}

ait_status ait_checkpoint_hold(ait_checkpoint *checkpoint, ait_checkpoint_put put, void *run) {
  ait_checkpoint_block_end(&checkpoint->held);
  return fill(checkpoint, put, run, &checkpoint->held);
}

static void write_held(ait_checkpoint *checkpoint, int64_t iterations) {
  if (ait_checkpoint_block_write(&checkpoint->held, checkpoint->path) == AIT_OK) {
    checkpoint->is_there = 1;
    checkpoint->warned = 0;
  } else if (!checkpoint->warned) {
    checkpoint->warned = 1;
    fprintf(stderr, "%s: warning: no checkpoint from iteration %lld on: %s\n", this_program, (long long)iterations,
            ait_last_error());
  }
}

ait_status ait_checkpoint_save(ait_checkpoint *checkpoint, int64_t iterations, ait_checkpoint_put put, void *run) {
  const ait_status status = ait_checkpoint_hold(checkpoint, put, run);
  if (status == AIT_OK) {
    write_held(checkpoint, iterations);
  }
  ait_checkpoint_block_end(&checkpoint->held);
  ait_checkpoint_start(checkpoint, iterations);
  return status;
}

void ait_checkpoint_save_held(ait_checkpoint *checkpoint) {
  if (checkpoint->held.memory != NULL) {
    write_held(checkpoint, checkpoint->seen_iterations);
    ait_checkpoint_block_end(&checkpoint->held);
  }
}

ait_status ait_checkpoint_misfit(const ait_reader *reader) {
  return reader != NULL && reader->out_of_memory
             ? ait_fail(AIT_OUT_OF_MEMORY, "no memory to read the checkpoint")
             : ait_fail(AIT_BAD_DATA, "the checkpoint is not of this run: begin anew with --force");
}

ait_status ait_checkpoint_went_on(ait_checkpoint *checkpoint) {
  const ait_reader end = checkpoint->resumed;
  ait_checkpoint_block_end(&checkpoint->block);
  checkpoint->resumed = (ait_reader){.data = NULL};
  return end.failed || end.left > 0
             ? ait_fail(AIT_BAD_DATA, "%s: does not hold what this run needs: begin anew with --force",
                        checkpoint->path)
             : AIT_OK;
}

/* ---- the file ---------------------------------------------------------------------------------- */

int32_t ait_checkpoint_look(ait_checkpoint *checkpoint) {
  checkpoint->is_there = checkpoint->is_there && access(checkpoint->path, F_OK) == 0;
  return checkpoint->is_there;
}

ait_status ait_checkpoint_copy(const ait_checkpoint *checkpoint, const char *path) {
  ait_checkpoint_block block;
  ait_reader reader;
  AIT_TRY(ait_checkpoint_block_read(checkpoint->path, &block, &reader));
  const ait_status status = ait_checkpoint_block_write(&block, path);
  ait_checkpoint_block_end(&block);
  return status;
}

void ait_checkpoint_remove(ait_checkpoint *checkpoint) {
  unlink(checkpoint->path);
  checkpoint->is_there = 0;
}
