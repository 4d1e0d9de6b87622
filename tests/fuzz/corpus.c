/* corpus.c - runs the fuzz targets over folders of inputs, FOLDER/TARGET/..., with any compiler. Every input is also
 * cut to half and gets single bytes changed, so that a reader meets some bytes that nobody has thought of in every
 * build.
 *
 * Usage: ait_fuzz_corpus FOLDER... */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets.h"

enum { LARGEST_INPUT = 1 << 20, CHANGES = 24 };

typedef int (*target)(const uint8_t *, size_t);

static const struct {
  const char *name;
  target run;
} targets[] = {
#define FUZZ_ENTRY(name) {#name, fuzz_##name},
    FUZZ_TARGETS(FUZZ_ENTRY)
#undef FUZZ_ENTRY
};

/* In memory of its own length, so that a sanitizer sees what is read beyond it. */
static void run_exactly(target run, const uint8_t *data, size_t size) {
  uint8_t *exact = malloc(size > 0 ? size : 1);
  if (exact == NULL) {
    fprintf(stderr, "no memory for an input of %zu bytes\n", size);
    exit(1);
  }
  memcpy(exact, data, size);
  run(exact, size);
  free(exact);
}

static void run_variants(target run, uint8_t *data, size_t size) {
  static const uint8_t values[] = {0x00, 0xff, 0x7f, '9', '-', '\n'};
  run_exactly(run, data, size);
  run_exactly(run, data, size / 2);
  for (size_t i = 0; i < CHANGES && size > 0; i++) {
    uint8_t *byte = &data[size * i / CHANGES];
    const uint8_t kept = *byte;
    *byte = values[i % sizeof values];
    run_exactly(run, data, size);
    *byte = kept;
  }
}

static int run_file(target run, const char *path) {
  static uint8_t data[LARGEST_INPUT];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return 0;
  }
  const size_t size = fread(data, 1, sizeof data, file);
  fclose(file);
  run_variants(run, data, size);
  return 1;
}

/* The number of inputs in FOLDER/NAME. */
static int run_folder(target run, const char *name, const char *folder) {
  char path[PATH_MAX];
  int inputs = 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s/%s", folder, name, entry->d_name) < PATH_MAX) {
      inputs += run_file(run, path);
    }
  }
  if (directory != NULL) {
    closedir(directory);
  }
  return inputs;
}

int main(int argc, char **argv) {
  int failures = 0;
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    int inputs = 0;
    for (int k = 1; k < argc; k++) {
      inputs += run_folder(targets[i].run, targets[i].name, argv[k]);
    }
    printf("%-12s %d inputs\n", targets[i].name, inputs);
    failures += inputs == 0;
  }
  return failures > 0;
}
