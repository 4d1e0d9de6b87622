/* batch.h - runs that iterate together: one problem with an LL problem a run, one solver.
 *
 * Nothing of a run reaches another. With classifiers whose logits are linear in the data a run comes to the
 * same bits in every batch, and so do networks with activations on the CPU; on a GPU cuBLAS may choose its kernels by
 * where a matrix stands in memory, which changes the last bits. */
#ifndef AIT_RUN_BATCH_H
#define AIT_RUN_BATCH_H

#include "run/checkpoint.h"
#include "run/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Iterates `count` runs that have begun on one context, with settings that differ in seed and noise alone and with
 * equally many training rows. `stop` is that of ait_run_iterate; the seconds of a run are those of the whole batch.
 *
 * A run that diverges leaves the batch with its sentence in `failure`, and the others begin again without it. Where all
 * of them do, the last one's sentence is the error.
 *
 * With a checkpoint (NULL: none) that was opened the batch goes on from it, to the bits that it would have come to; it
 * is saved as its rule says, and when a stop is asked for. Errors: AIT_OUT_OF_MEMORY, AIT_DIVERGED, and whatever else
 * the library returns. */
ait_status ait_batch_iterate(int64_t count, ait_run *runs, const volatile sig_atomic_t *stop,
                             ait_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif
