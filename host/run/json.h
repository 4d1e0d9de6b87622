/* json.h - JSON objects and files with sentences for what is wrong in them. */
#ifndef AIT_RUN_JSON_H
#define AIT_RUN_JSON_H

#include <cjson/cJSON.h>

#include "ait/status.h"

/* A new object for cJSON_Delete, or NULL. What cJSON has no memory for it leaves out without a word, so whoever fills
 * an object asks at its end whether anything is missing since this call. */
cJSON *ait_json_begin(void);
ait_status ait_json_expect_whole(const char *what);

/* Hands `item` to an object or an array, either of which may be NULL: then, and where there is no memory for it, the
 * item is deleted. */
void ait_json_add(cJSON *object, const char *name, cJSON *item);
void ait_json_append(cJSON *array, cJSON *item);

/* A new string, which JSON wants in UTF-8: bytes that are not, as file names may hold, become U+FFFD. NULL without
 * memory. */
cJSON *ait_json_text(const char *text);

/* Reads a file of at most 16 MiB; the caller frees *json with cJSON_Delete.
 * Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_OUT_OF_MEMORY, AIT_BAD_DATA (not JSON; the sentence gives the line). */
ait_status ait_json_read(const char *path, cJSON **json);

/* A number or a string that must be there; `path` names the file in the sentence (AIT_BAD_DATA). */
ait_status ait_json_number(const cJSON *object, const char *key, const char *path, double *value);
/* A whole number from `least` to `most`, which a double holds. */
ait_status ait_json_whole(const cJSON *object, const char *key, const char *path, int64_t least, int64_t most,
                          int64_t *value);
ait_status ait_json_string(const cJSON *object, const char *key, const char *path, const char **value);

#endif
