/* json.c - JSON objects and files with sentences for what is wrong in them. */
#include "run/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "context/error.h"
#include "data/file.h"
#include "run/utf8.h"

enum { LARGEST_FILE = 16 << 20 };

/* ---- memory ------------------------------------------------------------------------------------ */

static int32_t is_missing = 0; /* nonzero: cJSON asked for memory in vain */

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes);
  is_missing |= memory == NULL;
  return memory;
}

static void watch_memory(void) {
  cJSON_Hooks hooks = {.malloc_fn = allocate, .free_fn = free};
  cJSON_InitHooks(&hooks);
  is_missing = 0;
}

cJSON *ait_json_begin(void) {
  watch_memory();
  return cJSON_CreateObject();
}

void ait_json_add(cJSON *object, const char *name, cJSON *item) {
  if (!cJSON_AddItemToObject(object, name, item)) {
    cJSON_Delete(item);
  }
}

void ait_json_append(cJSON *array, cJSON *item) {
  if (!cJSON_AddItemToArray(array, item)) {
    cJSON_Delete(item);
  }
}

cJSON *ait_json_text(const char *text) {
  char *clean = allocate((sizeof AIT_UTF8_REPLACEMENT - 1) * strlen(text) + 1), *end = clean;
  if (clean == NULL) {
    return NULL;
  }
  while (*text != '\0') {
    const int bytes = ait_utf8_character(text);
    const char *from = bytes > 0 ? text : AIT_UTF8_REPLACEMENT;
    const size_t length = bytes > 0 ? (size_t)bytes : sizeof AIT_UTF8_REPLACEMENT - 1;
    memcpy(end, from, length);
    end += length;
    text += bytes > 0 ? bytes : 1;
  }
  *end = '\0';
  cJSON *item = cJSON_CreateString(clean);
  free(clean);
  return item;
}

ait_status ait_json_expect_whole(const char *what) {
  return is_missing ? ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to write it", what) : AIT_OK;
}

/* ---- files ------------------------------------------------------------------------------------- */

static ait_status read_text(FILE *file, const char *path, char **text) {
  struct stat about;
  if (fstat(fileno(file), &about) != 0) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
  }
  if (about.st_size > LARGEST_FILE) {
    return ait_fail(AIT_BAD_DATA, "%s: larger than 16 MiB; expected a small JSON file", path);
  }
  char *buffer = malloc((size_t)about.st_size + 1);
  if (buffer == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to read it", path);
  }
  const size_t length = fread(buffer, 1, (size_t)about.st_size, file);
  if (ferror(file)) {
    free(buffer);
    return ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
  }
  buffer[length] = '\0';
  *text = buffer;
  return AIT_OK;
}

static int line_of(const char *text, const char *position) {
  int line = 1;
  for (const char *c = text; c < position && *c != '\0'; c++) {
    line += *c == '\n';
  }
  return line;
}

ait_status ait_json_read(const char *path, cJSON **json) {
  FILE *file;
  AIT_TRY(ait_file_open(path, &file));
  char *text = NULL;
  ait_status status = read_text(file, path, &text);
  fclose(file);
  if (status != AIT_OK) {
    return status;
  }
  const char *end = text;
  watch_memory();
  *json = cJSON_ParseWithOpts(text, &end, 1);
  if (*json == NULL) {
    status = is_missing ? ait_fail(AIT_OUT_OF_MEMORY, "%s: no memory to read it", path)
                        : ait_fail(AIT_BAD_DATA, "%s: not valid JSON at line %d", path, line_of(text, end));
  }
  free(text);
  return status;
}

ait_status ait_json_number(const cJSON *object, const char *key, const char *path, double *value) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!cJSON_IsNumber(item)) {
    return ait_fail(AIT_BAD_DATA, "%s: expected a number called \"%s\"", path, key);
  }
  *value = item->valuedouble;
  return AIT_OK;
}

ait_status ait_json_whole(const cJSON *object, const char *key, const char *path, int64_t least, int64_t most,
                          int64_t *value) {
  double number;
  AIT_TRY(ait_json_number(object, key, path, &number));
  if (!(number >= (double)least && number <= (double)most && floor(number) == number)) {
    return ait_fail(AIT_BAD_DATA, "%s: \"%s\" is %.17g; expected a whole number from %lld to %lld", path, key, number,
                    (long long)least, (long long)most);
  }
  *value = (int64_t)number;
  return AIT_OK;
}

ait_status ait_json_string(const cJSON *object, const char *key, const char *path, const char **value) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!cJSON_IsString(item)) {
    return ait_fail(AIT_BAD_DATA, "%s: expected a string called \"%s\"", path, key);
  }
  *value = item->valuestring;
  return AIT_OK;
}
