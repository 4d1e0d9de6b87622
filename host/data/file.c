/* file.c - files that are complete or not there: write beside, sync, rename, sync the folder; and the opening of those
 * that are read. */
#include "data/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "context/error.h"

/* Temporary names tried before giving up; only leftovers of killed processes with the same id and
 * other files of this process under way take one. */
enum { NAME_ATTEMPTS = 1000 };

/* Releases the names and the stream, keeping errno. */
static void end(ait_file *file) {
  int kept = errno;
  if (file->stream != NULL) {
    fclose(file->stream);
  }
  free(file->path);
  free(file->temporary);
  *file = (ait_file){.stream = NULL};
  errno = kept;
}

/* A rename would replace a folder's or a device's entry itself, so only regular files are targets. */
static ait_status check_target(const char *path) {
  struct stat info;
  if (path[0] == '\0') {
    return ait_fail(AIT_IO_ERROR, "the name of a file to write is empty");
  }
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be written, it is %s; expected a regular file or a new name", path,
                    S_ISDIR(info.st_mode) ? "a folder" : "no regular file");
  }
  return AIT_OK;
}

/* Creates the temporary file with the permissions that the target would get from fopen. */
static ait_status open_temporary(ait_file *file) {
  int descriptor = -1;
  for (int i = 0; i < NAME_ATTEMPTS && descriptor < 0; ++i) {
    free(file->temporary);
    file->temporary = NULL;
    if (asprintf(&file->temporary, "%s.%ld-%d.tmp", file->path, (long)getpid(), i) < 0) {
      file->temporary = NULL;
      return ait_fail(AIT_OUT_OF_MEMORY, "no memory to write %s", file->path);
    }
    descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno != EEXIST) {
      break;
    }
  }
  if (descriptor < 0) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be written: %s", file->path,
                    errno == ENOENT ? "its folder does not exist" : strerror(errno));
  }
  file->stream = fdopen(descriptor, "wb");
  if (file->stream == NULL) {
    close(descriptor);
    unlink(file->temporary);
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to write %s", file->path);
  }
  return AIT_OK;
}

ait_status ait_file_begin(ait_file *file, const char *path) {
  *file = (ait_file){.stream = NULL};
  AIT_TRY(check_target(path));
  file->path = strdup(path);
  if (file->path == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory to write %s", path);
  }
  ait_status status = open_temporary(file);
  if (status != AIT_OK) {
    end(file);
  }
  return status;
}

void ait_file_write(ait_file *file, const void *data, size_t bytes) {
  errno = 0;
  if (fwrite(data, 1, bytes, file->stream) < bytes && file->reason == 0) {
    file->reason = errno;
  }
}

/* Why a write failed whose errno is lost: another one fails for the same reason. The file is given up in any case. */
static int find_reason(const ait_file *file) {
  errno = 0;
  return write(fileno(file->stream), "", 1) < 0 ? errno : 0;
}

/* Brings everything onto the disk and closes the stream; false, with errno, if any write failed. */
static int finish_stream(ait_file *file) {
  int failed_before = ferror(file->stream);
  errno = 0;
  int written = fflush(file->stream) == 0 && !failed_before && fsync(fileno(file->stream)) == 0;
  int reason = file->reason != 0 ? file->reason : failed_before ? find_reason(file) : errno;
  int closed = fclose(file->stream) == 0;
  file->stream = NULL;
  if (!written) {
    errno = reason;
  }
  return written && closed;
}

static ait_status give_up(ait_file *file, const char *what) {
  int reason = errno;
  unlink(file->temporary);
  ait_status status = ait_fail(AIT_IO_ERROR, "%s: %s: %s; nothing was put in its place", file->path, what,
                               reason != 0 ? strerror(reason) : "an earlier write failed");
  end(file);
  return status;
}

ait_status ait_file_commit(ait_file *file) {
  if (!finish_stream(file)) {
    return give_up(file, "could not be written in full");
  }
  if (rename(file->temporary, file->path) != 0) {
    return give_up(file, "the finished file could not be renamed to this name");
  }
  ait_status status = ait_file_sync_folder(file->path);
  end(file);
  return status;
}

void ait_file_abandon(ait_file *file) {
  if (file->stream != NULL) {
    unlink(file->temporary);
  }
  end(file);
}

/* Without memory of its own, which a file that is in place already must not be short of. */
ait_status ait_file_sync_folder(const char *path) {
  char copy[PATH_MAX];
  const int fits = snprintf(copy, sizeof copy, "%s", path) < (int)sizeof copy;
  errno = ENAMETOOLONG;
  int descriptor = fits ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  /* Some file systems answer EINVAL: they have nothing to sync in a folder. */
  int synced = descriptor >= 0 && (fsync(descriptor) == 0 || errno == EINVAL);
  int reason = errno;
  if (descriptor >= 0) {
    close(descriptor);
  }
  return synced ? AIT_OK : ait_fail(AIT_IO_ERROR, "the folder of %s could not be synced: %s", path, strerror(reason));
}

static ait_status check_regular(const char *path, int descriptor) {
  struct stat info;
  if (fstat(descriptor, &info) != 0) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
  }
  return S_ISREG(info.st_mode) ? AIT_OK
                               : ait_fail(AIT_IO_ERROR, "%s: is %s; expected a regular file", path,
                                          S_ISDIR(info.st_mode) ? "a folder" : "no regular file");
}

ait_status ait_file_open(const char *path, FILE **stream) {
  const int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    return ait_fail(errno == ENOENT || errno == ENOTDIR ? AIT_NOT_FOUND : AIT_IO_ERROR, "%s: cannot be opened: %s",
                    path, strerror(errno));
  }
  ait_status status = check_regular(path, descriptor);
  if (status == AIT_OK) {
    *stream = fdopen(descriptor, "rb");
    status = *stream != NULL ? AIT_OK : ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to read it", path);
  }
  if (status != AIT_OK) {
    close(descriptor);
  }
  return status;
}

void ait_file_skip_mark(FILE *stream) {
  static const char mark[] = {'\xEF', '\xBB', '\xBF'};
  char beginning[sizeof mark];
  if (fread(beginning, 1, sizeof mark, stream) < sizeof mark || memcmp(beginning, mark, sizeof mark) != 0) {
    rewind(stream);
  }
}
