/* folder.h - a run folder is complete or not there.
 *
 * Everything is written into DIR.partial-PID beside DIR and renamed at the end. */
#ifndef AIT_RUN_FOLDER_H
#define AIT_RUN_FOLDER_H

#include <limits.h>
#include <sys/types.h>

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_folder {
  char target[PATH_MAX];  /* DIR, links resolved where it exists */
  char partial[PATH_MAX]; /* empty until begun and after the end */
  int32_t replace;        /* nonzero: an older run in the target gives way */
  ino_t lock_inode;       /* of the lock in a target that is claimed; 0: it is not */
  dev_t lock_device;
} ait_folder;

/* The lock of a folder that is claimed (run/claim.h). */
#define AIT_FOLDER_LOCK "ait.lock"

/* Nonzero for the names of checkpoints that are not whole. */
int ait_folder_is_leftover(const char *name);

/* The files of result folders, NULL-terminated. Only a folder that holds nothing else, but for the runs that its
 * sweep.json lists, and a document (run.json ...) that this program has written, is ever replaced. */
extern const char *const ait_folder_files[];

/* To be called before the work: finds out whether a run may be written to `path`. It may where nothing
 * or an empty folder stands there, or, with `force`, an older run folder; the folder around it must
 * exist and be writable. Nothing is created.
 * Errors: AIT_IO_ERROR, AIT_NOT_FOUND, AIT_INVALID_ARGUMENT (an empty or too long path). */
ait_status ait_folder_check(const char *path, int32_t force, ait_folder *folder);

/* Makes the partial folder. Errors: AIT_IO_ERROR. */
ait_status ait_folder_begin(ait_folder *folder);

/* Makes `inner` the partial folder of a run that is to be called `name` in `folder`, whose sweep.json is there already
 * and lists it. It is committed or abandoned before `folder`. Errors: AIT_IO_ERROR, AIT_INVALID_ARGUMENT. */
ait_status ait_folder_begin_inner(const ait_folder *folder, const char *name, ait_folder *inner);

/* The path of a file of the partial folder, PATH_MAX bytes. Errors: AIT_INVALID_ARGUMENT (too long). */
ait_status ait_folder_path(const ait_folder *folder, const char *name, char *path);

/* Syncs the partial folder and puts it in the target's place; an older run is exchanged in one step and
 * then removed. A target that is gone by now is made anew; one that was claimed and is another by now is left alone.
 * On failure the target is what it was, and the run stays in the partial folder, which the sentence names; what could
 * not be synced is removed. Errors: AIT_IO_ERROR. */
ait_status ait_folder_commit(ait_folder *folder);

/* Ends what ait_folder_begin began, by the status of the writing: commits, or removes what there is, and says so.
 * Returns that status or the commit's. */
ait_status ait_folder_finish(ait_folder *folder, ait_status written);

/* Removes the partial folder; does nothing when there is none. */
void ait_folder_abandon(ait_folder *folder);

#ifdef __cplusplus
}
#endif
#endif
