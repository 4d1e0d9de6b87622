/* bytes.c - numbers and texts one after another in memory, little-endian on every machine. */
#include "data/bytes.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* ---- the order of bytes ------------------------------------------------------------------------ */

/* Turning twice is no turn, so one function serves both ways. */
static void turn_64(unsigned char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  word = htole64(word);
  memcpy(bytes, &word, sizeof word);
}

static void turn_32(unsigned char *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  word = htole32(word);
  memcpy(bytes, &word, sizeof word);
}

void ait_turn_numbers(int64_t count, void *numbers) {
  unsigned char *bytes = numbers;
  for (int64_t i = 0; i < count; i++) {
    turn_64(bytes + 8 * i);
  }
}

void ait_turn_reals(int64_t count, void *reals) {
  unsigned char *bytes = reals;
  if (sizeof(ait_real) == 8) {
    ait_turn_numbers(count, reals);
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    turn_32(bytes + 4 * i);
  }
}

/* ---- writing ----------------------------------------------------------------------------------- */

void *ait_put_room(ait_writer *writer, size_t bytes) {
  void *room = writer->data == NULL ? NULL : writer->data + writer->count;
  writer->count += bytes;
  return room;
}

void ait_put_bytes(ait_writer *writer, size_t bytes, const void *from) {
  void *room = ait_put_room(writer, bytes);
  if (room != NULL && bytes > 0) {
    memcpy(room, from, bytes);
  }
}

void ait_put_wholes(ait_writer *writer, int64_t count, const int64_t *values) {
  unsigned char *room = ait_put_room(writer, 8 * (size_t)count);
  if (room != NULL && count > 0) {
    memcpy(room, values, 8 * (size_t)count);
    ait_turn_numbers(count, room);
  }
}

void ait_put_numbers(ait_writer *writer, int64_t count, const double *values) {
  unsigned char *room = ait_put_room(writer, 8 * (size_t)count);
  if (room != NULL && count > 0) {
    memcpy(room, values, 8 * (size_t)count);
    ait_turn_numbers(count, room);
  }
}

void ait_put_whole(ait_writer *writer, int64_t value) {
  ait_put_wholes(writer, 1, &value);
}

void ait_put_number(ait_writer *writer, double value) {
  ait_put_numbers(writer, 1, &value);
}

void ait_put_text(ait_writer *writer, const char *text) {
  const size_t length = strlen(text);
  ait_put_whole(writer, (int64_t)length);
  ait_put_bytes(writer, length, text);
}

/* ---- reading ----------------------------------------------------------------------------------- */

const unsigned char *ait_take_bytes(ait_reader *reader, size_t bytes) {
  if (reader->failed || bytes > reader->left) {
    reader->failed = 1;
    return NULL;
  }
  const unsigned char *taken = reader->data;
  reader->data += bytes;
  reader->left -= bytes;
  return taken;
}

/* `count` items of 8 bytes, or zeros. */
static void take(ait_reader *reader, int64_t count, void *values) {
  const int32_t fits = count >= 0 && (uint64_t)count <= reader->left / 8;
  const unsigned char *from = ait_take_bytes(reader, fits ? 8 * (size_t)count : SIZE_MAX);
  if (count < 1) {
    return;
  }
  if (from == NULL) {
    memset(values, 0, 8 * (size_t)count);
    return;
  }
  memcpy(values, from, 8 * (size_t)count);
  ait_turn_numbers(count, values);
}

void ait_take_wholes(ait_reader *reader, int64_t count, int64_t *values) {
  take(reader, count, values);
}

void ait_take_numbers(ait_reader *reader, int64_t count, double *values) {
  take(reader, count, values);
}

int64_t ait_take_whole(ait_reader *reader) {
  int64_t value;
  take(reader, 1, &value);
  return value;
}

double ait_take_number(ait_reader *reader) {
  double value;
  take(reader, 1, &value);
  return value;
}

int64_t ait_take_count(ait_reader *reader, size_t least) {
  const int64_t count = ait_take_whole(reader);
  if (count < 0 || (uint64_t)count > reader->left / (least > 0 ? least : 1)) {
    reader->failed = 1;
    return 0;
  }
  return count;
}

char *ait_take_text(ait_reader *reader) {
  const size_t length = (size_t)ait_take_count(reader, 1);
  const unsigned char *characters = ait_take_bytes(reader, length);
  if (characters == NULL || memchr(characters, '\0', length) != NULL) {
    reader->failed = 1;
    return NULL;
  }
  char *text = malloc(length + 1);
  if (text == NULL) {
    reader->failed = reader->out_of_memory = 1;
    return NULL;
  }
  memcpy(text, characters, length);
  text[length] = '\0';
  return text;
}
