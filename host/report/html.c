/* html.c - writing text into a page so that it stays text. */
#include "report/html.h"

#include "run/utf8.h"

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
      return c < 0x20 || c == 0x7F ? AIT_UTF8_REPLACEMENT : NULL;
  }
}

void ait_html_text(FILE *out, const char *text) {
  while (*text != '\0') {
    const int bytes = ait_utf8_character(text);
    const char *escape = bytes == 0 ? AIT_UTF8_REPLACEMENT : bytes == 1 ? escape_of((unsigned char)*text) : NULL;
    if (escape != NULL) {
      fputs(escape, out);
    } else {
      fwrite(text, 1, (size_t)bytes, out);
    }
    text += bytes > 0 ? bytes : 1;
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
