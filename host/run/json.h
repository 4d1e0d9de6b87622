/* json.h - reading JSON files with sentences for what is wrong in them. */
#ifndef AIT_RUN_JSON_H
#define AIT_RUN_JSON_H

#include <cjson/cJSON.h>

#include "ait/status.h"

/* Reads a file of at most 16 MiB; the caller frees *json with cJSON_Delete.
 * Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_BAD_DATA (not JSON; the sentence gives the line). */
ait_status ait_json_read(const char *path, cJSON **json);

/* A number or a string that must be there; `path` names the file in the sentence (AIT_BAD_DATA). */
ait_status ait_json_number(const cJSON *object, const char *key, const char *path, double *value);
/* A whole number from `least` to `most`, which a double holds. */
ait_status ait_json_whole(const cJSON *object, const char *key, const char *path, int64_t least, int64_t most,
                          int64_t *value);
ait_status ait_json_string(const cJSON *object, const char *key, const char *path, const char **value);

#endif
