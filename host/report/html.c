/* html.c - writing text into a page so that it stays text. */
#include "report/html.h"

#include <string.h>

static int is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

/* The bytes of the character that begins here where it is well-formed UTF-8 (RFC 3629), else 0. */
static int character_bytes(const unsigned char *text) {
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

static const char *escape_of(unsigned char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return c < 0x20 || c == 0x7F ? "\xEF\xBF\xBD" : NULL;
  }
}

void ait_html_text(FILE *out, const char *text) {
  const unsigned char *c = (const unsigned char *)text;
  while (*c != '\0') {
    const int bytes = character_bytes(c);
    const char *escape = bytes == 0 ? "\xEF\xBF\xBD" : bytes == 1 ? escape_of(*c) : NULL;
    if (escape != NULL) {
      fputs(escape, out);
    } else {
      fwrite(c, 1, (size_t)bytes, out);
    }
    c += bytes > 0 ? bytes : 1;
  }
}

void ait_html_name(FILE *out, const char *text) {
  fputs("<bdi>", out);
  ait_html_text(out, text);
  fputs("</bdi>", out);
}

/* RFC 4648, section 4. */
void ait_html_data_uri(FILE *out, const char *type, size_t size, const uint8_t *bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  fprintf(out, "data:%s;base64,", type);
  for (size_t i = 0; i < size; i += 3) {
    const size_t left = size - i;
    const uint32_t group =
        (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    fputc(digits[group >> 18], out);
    fputc(digits[group >> 12 & 63], out);
    fputc(left > 1 ? digits[group >> 6 & 63] : '=', out);
    fputc(left > 2 ? digits[group & 63] : '=', out);
  }
}
