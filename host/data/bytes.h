/* bytes.h (internal) - numbers and texts one after another in memory, little-endian on every machine.
 *
 * A writer without memory only counts, so that one function tells how much memory it needs and then fills it:
 *
 *     ait_writer writer = {NULL, 0};
 *     put_all(&writer, ...);                     writer.count bytes
 *     writer = (ait_writer){memory, 0};
 *     put_all(&writer, ...);
 *
 * A reader that is asked for more than there is gives zeros from then on and has `failed` set, which is looked at once
 * everything was read. */
#ifndef AIT_BYTES_H
#define AIT_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "ait/real.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_writer {
  unsigned char *data; /* borrowed; NULL: only count */
  size_t count;        /* bytes written */
} ait_writer;

typedef struct ait_reader {
  const unsigned char *data; /* borrowed: what was not yet read */
  size_t left;               /* bytes of it */
  int32_t failed;
  int32_t out_of_memory; /* nonzero: why it failed */
} ait_reader;

/* Room for `bytes` bytes that the caller fills; NULL where the writer only counts. */
void *ait_put_room(ait_writer *writer, size_t bytes);

void ait_put_bytes(ait_writer *writer, size_t bytes, const void *from);
void ait_put_whole(ait_writer *writer, int64_t value);
void ait_put_number(ait_writer *writer, double value);
void ait_put_wholes(ait_writer *writer, int64_t count, const int64_t *values);
void ait_put_numbers(ait_writer *writer, int64_t count, const double *values);

/* The length, then the characters. */
void ait_put_text(ait_writer *writer, const char *text);

/* The next `bytes` bytes in place, borrowed; NULL where there are not so many. */
const unsigned char *ait_take_bytes(ait_reader *reader, size_t bytes);

int64_t ait_take_whole(ait_reader *reader);
double ait_take_number(ait_reader *reader);
void ait_take_wholes(ait_reader *reader, int64_t count, int64_t *values);
void ait_take_numbers(ait_reader *reader, int64_t count, double *values);

/* A whole number that counts what follows, each of `least` bytes or more: 0, with `failed` set, where so many cannot
 * follow. */
int64_t ait_take_count(ait_reader *reader, size_t least);

/* A text in memory of its own, for free(); NULL, with `failed` set, where there is none or no memory for it. */
char *ait_take_text(ait_reader *reader);

/* Turns `count` numbers from this machine's order of bytes into little-endian ones, or back, in place. */
void ait_turn_reals(int64_t count, void *reals);
void ait_turn_numbers(int64_t count, void *numbers);

#ifdef __cplusplus
}
#endif
#endif
