/* claim.h - one run at a time in a folder: a lock that ends with its process, however that ends. */
#ifndef AIT_RUN_CLAIM_H
#define AIT_RUN_CLAIM_H

#include "run/folder.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_claim {
  char lock[PATH_MAX]; /* the lock file in the folder */
  int descriptor;      /* -1: nothing is claimed */
  int32_t made;        /* nonzero: the folder was not there before */
} ait_claim;

/* Claims the target of a folder that was checked: makes it where it is not there, locks it, and removes what a process
 * that was killed left half-written in it. The run's files then take the target's place even where nothing was in it.
 * Errors: AIT_IO_ERROR (another process has claimed it, it cannot be written to; the sentence says which). */
ait_status ait_claim_take(ait_folder *folder, ait_claim *claim);

/* Gives it back. A folder that the claim made is removed if nothing is in it. */
void ait_claim_release(ait_claim *claim);

#ifdef __cplusplus
}
#endif
#endif
