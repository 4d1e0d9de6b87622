/* checkpoints.h - checkpoints for fuzz targets: sealed with the right head and checksum, whatever they hold. */
#ifndef AIT_TESTS_FUZZ_CHECKPOINTS_H
#define AIT_TESTS_FUZZ_CHECKPOINTS_H

#include "files.h"
#include "run/checkpoint.h"

/* What the first byte of an input makes of the rest: a file as it is; a file with the right head and checksum around
 * these bytes; the same behind the right program and version; or a checkpoint that a run has saved, in which bytes are
 * changed before it is sealed: three bytes of the input say where, and what goes there. */
typedef enum fuzz_kind { FUZZ_AS_IT_IS, FUZZ_SEALED, FUZZ_OF_THIS_PROGRAM, FUZZ_CHANGED, FUZZ_KINDS } fuzz_kind;

/* Begins a checkpoint that a run can save itself to; for ait_checkpoint_end. */
void fuzz_begin_checkpoint(ait_checkpoint *checkpoint);

/* What was saved there, behind the head; the caller frees .data. */
fuzz_part fuzz_read_saved(void);

/* Nonzero where `run` goes on from a checkpoint that was opened. */
typedef int (*fuzz_go_on)(void *run, ait_checkpoint *checkpoint);

/* Writes the checkpoint that an input asks for, and has the run go on from it where it can be opened. From `saved`
 * without a change it must. */
void fuzz_resume(fuzz_part input, fuzz_part saved, fuzz_go_on go_on, void *run);

#endif
