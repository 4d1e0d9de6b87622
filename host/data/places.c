/* places.c - where the files of published data sets are looked for. */
#include "data/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/error.h"

/* $AIT_DATA_DIR/NAME, $AIT_DATA_DIR and some usual folders. */
enum { PLACES_MAX = 8, LIST_BYTES = 768 };

typedef struct place_list {
  int count;
  char *place[PLACES_MAX];
} place_list;

static void free_places(place_list *list) {
  for (int i = 0; i < list->count; ++i) {
    free(list->place[i]);
  }
}

static ait_status add_place(place_list *list, const char *folder, const char *below) {
  char *place;
  if (asprintf(&place, "%s%s%s", folder, below[0] != '\0' ? "/" : "", below) < 0) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the name of a folder");
  }
  list->place[list->count++] = place;
  return AIT_OK;
}

static ait_status collect_places(const ait_search *search, place_list *list) {
  if (search->directory != NULL) {
    return add_place(list, search->directory, "");
  }
  const char *variable = getenv("AIT_DATA_DIR");
  if (variable != NULL && variable[0] != '\0') {
    AIT_TRY(add_place(list, variable, search->name));
    AIT_TRY(add_place(list, variable, ""));
  }
  for (int i = 0; search->usual[i] != NULL; ++i) {
    AIT_TRY(add_place(list, search->usual[i], ""));
  }
  return AIT_OK;
}

/* *path = FOLDER/STEM SUFFIX for the first suffix for which it can be read, else NULL. */
static ait_status find_in(const char *folder, const char *stem, const char *const *suffixes, char **path) {
  for (int i = 0; suffixes[i] != NULL; ++i) {
    if (asprintf(path, "%s/%s%s", folder, stem, suffixes[i]) < 0) {
      *path = NULL;
      return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the name of a file");
    }
    if (access(*path, F_OK) == 0) {
      return AIT_OK;
    }
    free(*path);
  }
  *path = NULL;
  return AIT_OK;
}

/* find_in for a place and the sub-folders that data sets are unpacked into. */
static ait_status find_at(const char *place, const ait_search *search, const char *stem, const char *const *suffixes,
                          char **path) {
  *path = NULL;
  for (int i = 0; search->sub_folders[i] != NULL && *path == NULL; ++i) {
    place_list folder = {0};
    AIT_TRY(add_place(&folder, place, search->sub_folders[i]));
    ait_status status = find_in(folder.place[0], stem, suffixes, path);
    free_places(&folder);
    AIT_TRY(status);
  }
  return AIT_OK;
}

/* Lists are cut, with "...", before they fill the sentence. */
static void append(char *text, const char *separator, const char *word) {
  size_t length = strlen(text);
  if (length + strlen(separator) + strlen(word) + sizeof " ..." > LIST_BYTES) {
    if (length < 4 || strcmp(text + length - 4, " ...") != 0) {
      strcpy(text + length, " ...");
    }
    return;
  }
  strcpy(text + length, separator);
  strcat(text, word);
}

static ait_status report_missing(const ait_search *search, const place_list *list, const char *stem,
                                 const char *const *suffixes) {
  char places[LIST_BYTES] = "";
  for (int i = 0; i < list->count; ++i) {
    append(places, i > 0 ? ", " : "", list->place[i]);
  }
  for (int i = 1; search->sub_folders[i] != NULL; ++i) {
    append(places, i > 1 ? ", " : " (each also with ", search->sub_folders[i]);
    append(places, "", search->sub_folders[i + 1] == NULL ? ")" : "");
  }
  return ait_fail(AIT_NOT_FOUND, "data set %s: no %s%s in %s; %s", search->name, stem, suffixes[0], places,
                  search->advice);
}

ait_status ait_search_file(const ait_search *search, const char *stem, const char *const *suffixes, char **path) {
  place_list list = {0};
  *path = NULL;
  ait_status status = collect_places(search, &list);
  for (int i = 0; i < list.count && *path == NULL && status == AIT_OK; ++i) {
    status = find_at(list.place[i], search, stem, suffixes, path);
  }
  if (status == AIT_OK && *path == NULL) {
    status = report_missing(search, &list, stem, suffixes);
  }
  free_places(&list);
  return status;
}

ait_status ait_search_beside(const char *sibling, const char *stem, const char *const *suffixes, char **path) {
  char *folder = strdup(sibling);
  if (folder == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the name of a folder");
  }
  *strrchr(folder, '/') = '\0';
  ait_status status = find_in(folder, stem, suffixes, path);
  if (status == AIT_OK && *path == NULL) {
    status = ait_fail(AIT_NOT_FOUND, "%s/%s%s: is missing; expected it beside %s", folder, stem, suffixes[0],
                      sibling + strlen(folder) + 1);
  }
  free(folder);
  return status;
}
