/* uploads.h (internal) - what a device has made of host rows, so that problems which read the same rows share it. */
#ifndef AIT_UPLOADS_H
#define AIT_UPLOADS_H

#include <stdlib.h>

#include "context/error.h"

/* Host memory: `count` pieces of `width` bytes that begin `stride` bytes apart. Matrices outlive their uploads and
 * do not change meanwhile, so equal sources are the same numbers. */
typedef struct ait_upload_source {
  const char *host;
  size_t count, width, stride;
} ait_upload_source;

typedef struct ait_upload {
  ait_upload_source source;
  void *memory; /* the device's */
  size_t bytes;
  int32_t users;
  struct ait_upload *next;
} ait_upload;

/* The memory made of this source, with one user more; NULL where there is none. */
static inline void *ait_share_upload(ait_upload *uploads, const ait_upload_source *source) {
  for (ait_upload *u = uploads; u != NULL; u = u->next) {
    if (u->source.host == source->host && u->source.count == source->count && u->source.width == source->width &&
        u->source.stride == source->stride) {
      u->users++;
      return u->memory;
    }
  }
  return NULL;
}

/* Enters memory of `bytes` bytes made of a source, with one user. Errors: AIT_OUT_OF_MEMORY. */
static inline ait_status ait_keep_upload(ait_upload **uploads, const ait_upload_source *source, void *memory,
                                         size_t bytes) {
  ait_upload *made = malloc(sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the rows of a matrix");
  }
  *made = (ait_upload){.source = *source, .memory = memory, .bytes = bytes, .users = 1, .next = *uploads};
  *uploads = made;
  return AIT_OK;
}

/* Takes one user off; nonzero where it was the last one, and the caller frees the memory. Memory that was never
 * entered has none. */
static inline int ait_drop_upload(ait_upload **uploads, const void *memory) {
  ait_upload **place = uploads, *found;
  while (*place != NULL && (*place)->memory != memory) {
    place = &(*place)->next;
  }
  found = *place;
  if (memory == NULL || found == NULL || --found->users > 0) {
    return 0;
  }
  *place = found->next;
  free(found);
  return 1;
}

#endif
