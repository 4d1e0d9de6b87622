/* utf8.c - telling text in UTF-8 from other bytes. */
#include "run/utf8.h"

static int is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

int ait_utf8_character(const char *characters) {
  const unsigned char *text = (const unsigned char *)characters;
  const unsigned char first = text[0], second = text[1];
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return is_continuation(second) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const int overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second > 0x9F;
    return is_continuation(second) && !overlong && !surrogate && is_continuation(text[2]) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const int overlong = first == 0xF0 && second < 0x90, too_large = first == 0xF4 && second > 0x8F;
    const int well_formed = is_continuation(second) && !overlong && !too_large;
    return well_formed && is_continuation(text[2]) && is_continuation(text[3]) ? 4 : 0;
  }
  return 0;
}
