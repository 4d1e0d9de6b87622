/* utf8.h - telling text in UTF-8 from other bytes. */
#ifndef AIT_RUN_UTF8_H
#define AIT_RUN_UTF8_H

#ifdef __cplusplus
extern "C" {
#endif

/* What stands for bytes that are no text: U+FFFD. */
#define AIT_UTF8_REPLACEMENT "\xEF\xBF\xBD"

/* The bytes of the character that begins here where it is well-formed UTF-8 (RFC 3629), else 0. The text ends with a
 * NUL, which is a character of one byte. */
int ait_utf8_character(const char *text);

#ifdef __cplusplus
}
#endif
#endif
