/* folder.c - a run folder is complete or not there. */
#include "run/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "context/error.h"
#include "data/file.h"
#include "run/checkpoint.h"
#include "run/json.h"

const char *const ait_folder_files[] = {"run.json",          "baseline.json",   "compare.json",
                                        "compare.csv",       "curves.csv",      "sweep.json",
                                        "sweep.csv",         "history.csv",     "seconds.csv",
                                        "weights.npy",       "y.npy",           "z.npy",
                                        "scores.npy",        "suspects.csv",    "suspect_images.npy",
                                        "report.html",       "calibration.csv", "validation_suspects.csv",
                                        AIT_CHECKPOINT_NAME, AIT_FOLDER_LOCK,   NULL};

/* Each command's folder has one of them, which says what wrote it. */
static const char *const documents[] = {"run.json", "baseline.json", "compare.json", "sweep.json"};

/* The one that lists folders of runs beside it. */
static const char *const listing = "sweep.json";

int ait_folder_is_leftover(const char *name) {
  static const char beginning[] = AIT_CHECKPOINT_NAME ".", end[] = ".tmp";
  const size_t length = strlen(name);
  return length > sizeof beginning + sizeof end && strncmp(name, beginning, sizeof beginning - 1) == 0 &&
         strcmp(name + length - (sizeof end - 1), end) == 0;
}

static int is_run_file(const char *name) {
  for (int i = 0; ait_folder_files[i] != NULL; i++) {
    if (strcmp(name, ait_folder_files[i]) == 0) {
      return 1;
    }
  }
  return 0;
}

/* Nonzero when the entry of a folder may be a run's: a regular file with such a name. */
static int may_be_run_file(const char *folder, const char *name) {
  char file[PATH_MAX];
  struct stat about;
  return is_run_file(name) && snprintf(file, sizeof file, "%s/%s", folder, name) < (int)sizeof file &&
         lstat(file, &about) == 0 && S_ISREG(about.st_mode);
}

/* A document of this program, for cJSON_Delete; NULL where there is none, and the last error stays what it was.
 * Errors: AIT_OUT_OF_MEMORY, as nobody knows then whether there is one. */
static ait_status read_our_document(const char *folder, const char *name, cJSON **json) {
  char file[PATH_MAX], sentence[1024];
  const char *program = "";
  *json = NULL;
  if (snprintf(file, sizeof file, "%s/%s", folder, name) >= (int)sizeof file || access(file, R_OK) != 0) {
    return AIT_OK;
  }
  snprintf(sentence, sizeof sentence, "%s", ait_last_error());
  ait_status status = ait_json_read(file, json);
  if (status == AIT_OUT_OF_MEMORY) {
    return status;
  }
  if (status == AIT_OK) {
    status = ait_json_string(*json, "program", file, &program);
  }
  ait_set_last_error("%s", sentence);
  if (status != AIT_OK || (strcmp(program, "ait") != 0 && strcmp(program, "ait64") != 0)) {
    cJSON_Delete(*json);
    *json = NULL;
  }
  return AIT_OK;
}

/* The path of a folder that a listing names, which is no link to one elsewhere; null stands for a run that has none. */
static int listed_folder(const char *path, const cJSON *run, char inner[PATH_MAX], const char **name) {
  struct stat about;
  *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(run, "folder"));
  return *name != NULL && strchr(*name, '/') == NULL && (*name)[0] != '.' && (*name)[0] != '\0' &&
         snprintf(inner, PATH_MAX, "%s/%s", path, *name) < PATH_MAX && lstat(inner, &about) == 0 &&
         S_ISDIR(about.st_mode);
}

/* Nonzero where a run was begun and not ended. */
static int holds_checkpoint(const char *path) {
  char file[PATH_MAX];
  return snprintf(file, sizeof file, "%s/%s", path, AIT_CHECKPOINT_NAME) < (int)sizeof file &&
         ait_checkpoint_begins(file);
}

/* Names alone prove nothing: a user's own labels may be called y.npy. An older run has a document that this program has
 * written, or a checkpoint. */
static ait_status expect_older_run(const char *path) {
  if (holds_checkpoint(path)) {
    return AIT_OK;
  }
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
    cJSON *json;
    AIT_TRY(read_our_document(path, documents[i], &json));
    cJSON_Delete(json);
    if (json != NULL) {
      return AIT_OK;
    }
  }
  return ait_fail(AIT_IO_ERROR, "--out %s: holds files but no run.json of an older run, so --force does not replace it",
                  path);
}

/* What a process that was killed leaves before there is anything to keep. */
static int is_trace(const char *name) {
  return strcmp(name, AIT_FOLDER_LOCK) == 0 || ait_folder_is_leftover(name);
}

static ait_status look_into(const char *path, int32_t force, int64_t *entries);

/* The entry has to be a folder that the listing in `path` names, and hold nothing but a run. */
static ait_status expect_listed_run(const char *path, const char *name) {
  cJSON *json;
  AIT_TRY(read_our_document(path, listing, &json));
  const cJSON *run;
  int found = 0;
  cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(json, "runs")) {
    char inner[PATH_MAX];
    const char *listed;
    int64_t entries;
    found = found || (listed_folder(path, run, inner, &listed) && strcmp(listed, name) == 0 &&
                      look_into(inner, 1, &entries) == AIT_OK);
  }
  cJSON_Delete(json);
  return found ? AIT_OK
               : ait_fail(AIT_IO_ERROR,
                          "%s: holds %s, which no run has written, so it is not replaced; move that elsewhere", path,
                          name);
}

/* Looks into an existing folder. *entries counts what is there; where `force` would replace it, what no
 * run has written is an error. A checkpoint alone, as its name is nobody else's, gives way however damaged it is. */
static ait_status look_into(const char *path, int32_t force, int64_t *entries) {
  DIR *directory = opendir(path);
  if (directory == NULL) {
    return ait_fail(AIT_IO_ERROR, "--out %s: exists but is no folder that can be read: %s", path, strerror(errno));
  }
  ait_status status = AIT_OK;
  int64_t others = 0;
  *entries = 0;
  for (struct dirent *entry; status == AIT_OK && (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_trace(entry->d_name)) {
      continue;
    }
    (*entries)++;
    others += strcmp(entry->d_name, AIT_CHECKPOINT_NAME) != 0;
    if (force && !may_be_run_file(path, entry->d_name)) {
      status = expect_listed_run(path, entry->d_name);
    }
  }
  closedir(directory);
  return status == AIT_OK && force && others > 0 ? expect_older_run(path) : status;
}

/* The folder that the target is an entry of. */
static ait_status check_parent(const char *target) {
  char parent[PATH_MAX];
  snprintf(parent, sizeof parent, "%s", target);
  char *slash = strrchr(parent, '/');
  const char *name = slash == NULL ? "." : slash == parent ? "/" : parent;
  if (slash != NULL && slash != parent) {
    *slash = '\0';
  }
  struct stat about;
  if (stat(name, &about) != 0 || !S_ISDIR(about.st_mode)) {
    return ait_fail(AIT_NOT_FOUND, "--out %s: the folder %s does not exist", target, name);
  }
  if (access(name, W_OK | X_OK) != 0) {
    return ait_fail(AIT_IO_ERROR, "--out %s: the folder %s cannot be written to: %s", target, name, strerror(errno));
  }
  return AIT_OK;
}

static ait_status resolve(const char *path, ait_folder *folder) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') {
    length--;
  }
  if (length == 0 || length + 64 > sizeof folder->target) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--out: expected a path of 1 to %d characters", PATH_MAX - 64);
  }
  char *resolved = realpath(path, NULL);
  if (resolved != NULL && strlen(resolved) + 64 <= sizeof folder->target) {
    snprintf(folder->target, sizeof folder->target, "%s", resolved);
  } else {
    snprintf(folder->target, sizeof folder->target, "%.*s", (int)length, path);
  }
  free(resolved);
  return AIT_OK;
}

ait_status ait_folder_check(const char *path, int32_t force, ait_folder *folder) {
  memset(folder, 0, sizeof *folder);
  AIT_TRY(resolve(path, folder));
  struct stat about;
  if (lstat(folder->target, &about) == 0) {
    int64_t entries = 0;
    AIT_TRY(look_into(folder->target, force, &entries));
    if (entries > 0 && !force) {
      return holds_checkpoint(folder->target)
                 ? ait_fail(AIT_IO_ERROR,
                            "--out %s: holds a run that was stopped: go on with it by --resume %s, or --force to begin "
                            "anew",
                            path, path)
                 : ait_fail(AIT_IO_ERROR,
                            "--out %s: exists and is not empty; name another folder, or --force to replace it", path);
    }
    folder->replace = entries > 0;
  }
  return check_parent(folder->target);
}

ait_status ait_folder_begin(ait_folder *folder) {
  char partial[PATH_MAX];
  int length = snprintf(partial, sizeof partial, "%s.partial-%ld", folder->target, (long)getpid());
  if (length >= (int)sizeof partial) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--out %s: the path is too long", folder->target);
  }
  if (mkdir(partial, 0777) != 0) {
    return ait_fail(AIT_IO_ERROR, "%s: the folder cannot be made: %s", partial, strerror(errno));
  }
  memcpy(folder->partial, partial, sizeof partial);
  return AIT_OK;
}

ait_status ait_folder_begin_inner(const ait_folder *folder, const char *name, ait_folder *inner) {
  memset(inner, 0, sizeof *inner);
  AIT_TRY(ait_folder_path(folder, name, inner->target));
  return ait_folder_begin(inner);
}

ait_status ait_folder_path(const ait_folder *folder, const char *name, char *path) {
  if (snprintf(path, PATH_MAX, "%s/%s", folder->partial, name) >= PATH_MAX) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--out %s: the path is too long", folder->target);
  }
  return AIT_OK;
}

static void remove_files(const char *path) {
  char file[PATH_MAX];
  for (int i = 0; ait_folder_files[i] != NULL; i++) {
    if (snprintf(file, sizeof file, "%s/%s", path, ait_folder_files[i]) < (int)sizeof file) {
      unlink(file);
    }
  }
  rmdir(path);
}

/* Removes a folder of run files with the runs that it lists, and nothing that is not of them. */
static void remove_run(const char *path) {
  cJSON *json;
  (void)read_our_document(path, listing, &json); /* what is not listed stays */
  const cJSON *run;
  cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(json, "runs")) {
    char inner[PATH_MAX];
    const char *name;
    if (listed_folder(path, run, inner, &name)) {
      remove_files(inner);
    }
  }
  cJSON_Delete(json);
  remove_files(path);
}

/* Whether the target is gone: then it need not give way. An error where it is another than the one that was claimed. */
static int find_target(const ait_folder *folder, int *is_gone) {
  char lock[PATH_MAX];
  struct stat about;
  *is_gone = lstat(folder->target, &about) != 0 && errno == ENOENT;
  if (*is_gone || folder->lock_inode == 0) {
    return 0;
  }
  snprintf(lock, sizeof lock, "%.*s/%s", PATH_MAX - 64, folder->target, AIT_FOLDER_LOCK);
  if (lstat(lock, &about) == 0 && about.st_ino == folder->lock_inode && about.st_dev == folder->lock_device) {
    return 0;
  }
  errno = EEXIST;
  return -1;
}

/* Removes the run that stood in the target's place and is in `path` now. What somebody has put beside its files since
 * they were looked at stays there, and is told of. */
static void remove_older_run(const char *path, const char *target) {
  remove_run(path);
  if (access(path, F_OK) == 0) {
    fprintf(stderr, "%s: warning: files that no run has written were put into %s during the run; they are in %s now\n",
            program_invocation_short_name, target, path);
  }
}

/* Puts the partial folder in the target's place. Both names exist during an exchange, so there is no
 * moment without a complete run; file systems that cannot exchange get two renames. */
static int replace_target(const ait_folder *folder) {
  int is_gone;
  if (find_target(folder, &is_gone) != 0) {
    return -1;
  }
  if (is_gone || !folder->replace) {
    return rename(folder->partial, folder->target);
  }
  if (renameat2(AT_FDCWD, folder->partial, AT_FDCWD, folder->target, RENAME_EXCHANGE) == 0) {
    remove_older_run(folder->partial, folder->target);
    return 0;
  }
  char old[PATH_MAX];
  if (snprintf(old, sizeof old, "%s.old-%ld", folder->target, (long)getpid()) >= (int)sizeof old) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if (rename(folder->target, old) != 0) {
    return -1;
  }
  if (rename(folder->partial, folder->target) != 0) {
    int error = errno;
    rename(old, folder->target);
    errno = error;
    return -1;
  }
  remove_older_run(old, folder->target);
  return 0;
}

ait_status ait_folder_commit(ait_folder *folder) {
  char inside[PATH_MAX];
  ait_status status = ait_folder_path(folder, ait_folder_files[0], inside);
  if (status == AIT_OK) {
    status = ait_file_sync_folder(inside);
  }
  if (status != AIT_OK) {
    ait_folder_abandon(folder);
    return status;
  }
  if (replace_target(folder) != 0) {
    return ait_fail(AIT_IO_ERROR, "%s: the finished run cannot be put there and stays in %s: %s", folder->target,
                    folder->partial, strerror(errno));
  }
  folder->partial[0] = '\0';
  return ait_file_sync_folder(folder->target);
}

void ait_folder_abandon(ait_folder *folder) {
  if (folder->partial[0] != '\0') {
    remove_run(folder->partial);
    folder->partial[0] = '\0';
  }
}

ait_status ait_folder_finish(ait_folder *folder, ait_status written) {
  if (written == AIT_OK) {
    return ait_folder_commit(folder);
  }
  ait_folder_abandon(folder);
  char reason[768];
  snprintf(reason, sizeof reason, "%s", ait_last_error());
  return ait_fail(written, "--out %s: the run could not be written and nothing is left of it: %s", folder->target,
                  reason);
}
