/* files.c - what the fuzz targets share. */
#include "files.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- parts ------------------------------------------------------------------------------------- */

uint8_t fuzz_take_byte(fuzz_part *input) {
  if (input->size == 0) {
    return 0;
  }
  input->size--;
  return *input->data++;
}

fuzz_part fuzz_take(fuzz_part *input) {
  const size_t low = fuzz_take_byte(input), asked = low | (size_t)fuzz_take_byte(input) << 8;
  const fuzz_part part = {input->data, asked < input->size ? asked : input->size};
  input->data += part.size;
  input->size -= part.size;
  return part;
}

/* ---- files ------------------------------------------------------------------------------------- */

static void write_all(int descriptor, fuzz_part bytes) {
  for (size_t done = 0; done < bytes.size;) {
    const ssize_t part = write(descriptor, bytes.data + done, bytes.size - done);
    FUZZ_EXPECT(part > 0);
    done += (size_t)part;
  }
}

const char *fuzz_file(int place, fuzz_part bytes) {
  static int descriptors[FUZZ_PLACES];
  static char paths[FUZZ_PLACES][32];
  if (descriptors[place] == 0) {
    descriptors[place] = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_EXPECT(descriptors[place] > 0);
    snprintf(paths[place], sizeof paths[place], "/proc/self/fd/%d", descriptors[place]);
  }
  FUZZ_EXPECT(ftruncate(descriptors[place], 0) == 0 && lseek(descriptors[place], 0, SEEK_SET) == 0);
  write_all(descriptors[place], bytes);
  return paths[place];
}

static char folder[64];

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place) {
  (void)about, (void)kind, (void)place;
  return remove(path);
}

static void remove_folder(void) {
  nftw(folder, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
  if (folder[0] == '\0') {
    snprintf(folder, sizeof folder, "%s/ait-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir);
    FUZZ_EXPECT(mkdtemp(folder) != NULL);
    atexit(remove_folder);
  }
  return folder;
}

const char *fuzz_path(const char *name) {
  static char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
  return path;
}

void fuzz_put(const char *name, fuzz_part bytes) {
  const char *path = fuzz_path(name);
  if (bytes.size == 0) {
    unlink(path);
    return;
  }
  FILE *file = fopen(path, "wb");
  FUZZ_EXPECT(file != NULL);
  FUZZ_EXPECT(fwrite(bytes.data, 1, bytes.size, file) == bytes.size);
  FUZZ_EXPECT(fclose(file) == 0);
}

/* ---- results ----------------------------------------------------------------------------------- */

int fuzz_succeeded(ait_status status) {
  FUZZ_EXPECT(status == AIT_OK || ait_last_error()[0] != '\0');
  return status == AIT_OK;
}

void fuzz_expect(int holds, const char *condition, const char *file, int line) {
  if (!holds) {
    fprintf(stderr, "%s:%d: does not hold: %s (last error: %s)\n", file, line, condition, ait_last_error());
    abort();
  }
}
