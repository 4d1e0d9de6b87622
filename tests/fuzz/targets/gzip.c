/* gzip.c - compressed files, whole and damaged: what is read without an error is what was compressed. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data/stream.h"
#include "files.h"
#include "targets.h"

enum { WINDOW_AND_GZIP = 15 + 16, PIECE = 61 };

/* `packed` has room for compressBound and a gzip header. */
static size_t pack(fuzz_part content, uint8_t *packed, size_t room) {
  z_stream z = {
      .next_in = (Bytef *)content.data, .avail_in = (uInt)content.size, .next_out = packed, .avail_out = (uInt)room};
  FUZZ_EXPECT(deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_AND_GZIP, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  FUZZ_EXPECT(deflate(&z, Z_FINISH) == Z_STREAM_END);
  const size_t size = z.total_out;
  deflateEnd(&z);
  return size;
}

/* Reads it piece by piece; an error ends it. Without one the bytes are those of `content`, where that is known. */
static void read_pieces(const char *path, const fuzz_part *content) {
  ait_stream stream;
  uint8_t piece[PIECE];
  size_t done = 0, got = PIECE;
  if (!fuzz_succeeded(ait_stream_open(&stream, path))) {
    return;
  }
  int good = 1;
  while (good && got == PIECE) {
    good = fuzz_succeeded(ait_stream_read(&stream, piece, PIECE, &got));
    FUZZ_EXPECT(got <= PIECE);
    if (content != NULL && good) {
      FUZZ_EXPECT(done + got <= content->size && memcmp(piece, content->data + done, got) == 0);
    }
    done += got;
  }
  FUZZ_EXPECT(content == NULL || !good || done == content->size);
  ait_stream_close(&stream);
}

/* The rest of the input is compressed, and one byte changed or the end cut off. */
static void read_damaged(fuzz_part content, size_t place, uint8_t change, int cut) {
  const size_t room = compressBound((uLong)content.size) + 64;
  uint8_t *packed = malloc(room);
  FUZZ_EXPECT(packed != NULL);
  size_t size = pack(content, packed, room);
  place %= size;
  packed[place] ^= change;
  size = cut ? place : size;
  /* Without gzip's mark the bytes are taken as they are. */
  const int is_gzip = size >= 2 && packed[0] == 0x1f && packed[1] == 0x8b;
  read_pieces(fuzz_file(0, (fuzz_part){packed, size}), is_gzip ? &content : NULL);
  free(packed);
}

int fuzz_gzip(const uint8_t *data, size_t size) {
  fuzz_part input = {data, size};
  const uint8_t kind = fuzz_take_byte(&input);
  if (kind == 0) {
    read_pieces(fuzz_file(0, input), NULL);
    return 0;
  }
  const size_t place = fuzz_take_byte(&input) | (size_t)fuzz_take_byte(&input) << 8;
  const uint8_t change = fuzz_take_byte(&input);
  read_damaged(input, place, change, kind == 2);
  return 0;
}
