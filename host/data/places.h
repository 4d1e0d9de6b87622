/* places.h (internal) - where the files of published data sets are looked for. */
#ifndef AIT_PLACES_H
#define AIT_PLACES_H

#include "ait/status.h"

/* What is looked for, and where: lists end with NULL. */
typedef struct ait_search {
  const char *name;               /* of the data set, for sentences and for $AIT_DATA_DIR/NAME */
  const char *directory;          /* looked at alone where given */
  const char *const *usual;       /* the usual folders of the system */
  const char *const *sub_folders; /* of each place; "" is the place itself */
  const char *advice;             /* how to get the data */
} ait_search;

/* Finds the first folder, in the order of the header dataset.h, that holds a file STEM SUFFIX for one
 * of the suffixes, and *path = that file; the caller frees it.
 * Errors: AIT_NOT_FOUND (every place looked at and the advice), AIT_OUT_OF_MEMORY. */
ait_status ait_search_file(const ait_search *search, const char *stem, const char *const *suffixes, char **path);

/* The same in the folder of `sibling` alone. */
ait_status ait_search_beside(const char *sibling, const char *stem, const char *const *suffixes, char **path);

#endif
