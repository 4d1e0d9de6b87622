/* files.h - what the fuzz targets share: bytes become files, inputs fall into parts, and results are held against what
 * they promise.
 *
 * A target is int fuzz_NAME(const uint8_t *data, size_t size), which gives 0 and must not keep anything. */
#ifndef AIT_TESTS_FUZZ_FILES_H
#define AIT_TESTS_FUZZ_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "ait/status.h"

/* A part of an input, borrowed from it. */
typedef struct fuzz_part {
  const uint8_t *data;
  size_t size;
} fuzz_part;

/* Takes a part: two bytes, little-endian, count what follows; of the last part there may be less. */
fuzz_part fuzz_take(fuzz_part *input);

/* Takes a byte; 0 at the end. */
uint8_t fuzz_take_byte(fuzz_part *input);

/* A file in memory with these bytes, by its path. There are FUZZ_PLACES of them; the next call for a place puts
 * other bytes into the same file. */
enum { FUZZ_PLACES = 8 };
const char *fuzz_file(int place, fuzz_part bytes);

/* A folder that lasts as long as the process. */
const char *fuzz_folder(void);

/* The path of an entry of it, which the next call overwrites. */
const char *fuzz_path(const char *name);

/* Writes a file of that folder; without bytes the file is removed. */
void fuzz_put(const char *name, fuzz_part bytes);

/* Nonzero for AIT_OK; a failure must have its sentence. */
int fuzz_succeeded(ait_status status);

/* Ends the process, so that the fuzzer keeps the input, where the condition does not hold. */
#define FUZZ_EXPECT(condition) fuzz_expect(condition, #condition, __FILE__, __LINE__)
void fuzz_expect(int holds, const char *condition, const char *file, int line);

#endif
