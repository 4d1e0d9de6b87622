/* html.h - writing text into a page so that it stays text. */
#ifndef AIT_REPORT_HTML_H
#define AIT_REPORT_HTML_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes text that may hold anything: what HTML takes for its own is escaped, so that it may also stand within double
 * quotes; control characters and bytes that are no UTF-8 become U+FFFD. */
void ait_html_text(FILE *out, const char *text);

/* The same, kept apart from the direction in which the text around it is written. */
void ait_html_name(FILE *out, const char *text);

/* Bytes as a data: URI of a type such as image/png. */
void ait_html_data_uri(FILE *out, const char *type, size_t size, const uint8_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
