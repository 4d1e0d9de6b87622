/* inputs.c - the files that a run reads do not lie in the folder that it replaces. */
#include "run/inputs.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"

/* Nonzero where the file lies in the folder or in one below it. */
static int lies_in(const char *file, const char *folder) {
  char resolved[PATH_MAX];
  const size_t length = strlen(folder);
  return realpath(file, resolved) != NULL && strncmp(resolved, folder, length) == 0 && resolved[length] == '/';
}

ait_status ait_inputs_check(const ait_clean_settings *s, const ait_folder *folder) {
  const char *const inputs[][2] = {{"--images", s->images},
                                   {"--labels", s->labels},
                                   {"--val-images", s->validation_images},
                                   {"--val-labels", s->validation_labels},
                                   {"--test-images", s->test_images},
                                   {"--test-labels", s->test_labels},
                                   {"--ids", s->ids},
                                   {"--reviewed", s->reviewed},
                                   {"--prior", s->method_settings.prior}};
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    if (inputs[i][1] != NULL && lies_in(inputs[i][1], folder->target)) {
      return ait_fail(AIT_INVALID_ARGUMENT,
                      "%s %s lies in --out %s, whose files the run replaces: name another folder, or copy the file out "
                      "of it",
                      inputs[i][0], inputs[i][1], s->out);
    }
  }
  return AIT_OK;
}
