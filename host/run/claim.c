/* claim.c - one run at a time in a folder. */
#include "run/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "context/error.h"

static ait_status cannot(const char *target) {
  return ait_fail(AIT_IO_ERROR, "--out %s: cannot be written to: %s", target, strerror(errno));
}

/* Nonzero where the path still names the file that is open: a run that ended may have removed it. */
static int is_current(int descriptor, const char *path) {
  struct stat open_file, named;
  return fstat(descriptor, &open_file) == 0 && stat(path, &named) == 0 && open_file.st_ino == named.st_ino &&
         open_file.st_dev == named.st_dev;
}

/* Makes the folder where it is not there, and opens the lock in it. */
static ait_status open_lock(const char *target, ait_claim *claim) {
  if (mkdir(target, 0777) == 0) {
    claim->made = 1;
  } else if (errno != EEXIST) {
    return cannot(target);
  }
  claim->descriptor = open(claim->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (claim->descriptor >= 0) {
    return AIT_OK;
  }
  const ait_status status = cannot(target);
  if (claim->made) {
    rmdir(target);
  }
  return status;
}

static void close_lock(ait_claim *claim) {
  close(claim->descriptor);
  claim->descriptor = -1;
}

static ait_status lock(const char *target, ait_claim *claim) {
  while (flock(claim->descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) {
      continue;
    }
    const ait_status status =
        errno == EWOULDBLOCK
            ? ait_fail(AIT_IO_ERROR, "--out %s: another run is at work there; wait for it or name another folder",
                       target)
            : cannot(target);
    close_lock(claim);
    return status;
  }
  return AIT_OK;
}

/* Only the run that has the lock writes there, so what is half-written is nobody's. */
static void remove_leftovers(const char *target) {
  DIR *directory = opendir(target);
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (ait_folder_is_leftover(entry->d_name)) {
      unlinkat(dirfd(directory), entry->d_name, 0);
    }
  }
  if (directory != NULL) {
    closedir(directory);
  }
}

ait_status ait_claim_take(ait_folder *folder, ait_claim *claim) {
  *claim = (ait_claim){.descriptor = -1};
  snprintf(claim->lock, sizeof claim->lock, "%.*s/%s", PATH_MAX - 64, folder->target, AIT_FOLDER_LOCK);
  do {
    if (claim->descriptor >= 0) {
      close_lock(claim);
    }
    AIT_TRY(open_lock(folder->target, claim));
    AIT_TRY(lock(folder->target, claim));
  } while (!is_current(claim->descriptor, claim->lock));
  remove_leftovers(folder->target);
  struct stat about;
  if (fstat(claim->descriptor, &about) == 0) {
    folder->lock_inode = about.st_ino;
    folder->lock_device = about.st_dev;
  }
  folder->replace = 1;
  return AIT_OK;
}

void ait_claim_release(ait_claim *claim) {
  if (claim->descriptor < 0) {
    return;
  }
  if (is_current(claim->descriptor, claim->lock)) {
    unlink(claim->lock);
    if (claim->made) {
      rmdir(dirname(claim->lock));
    }
  }
  close_lock(claim);
}
