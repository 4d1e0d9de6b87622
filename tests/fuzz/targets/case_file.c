/* case_file.c - the folders of reference cases: case.json and its arrays. */
#include "ait/context.h"
#include "files.h"
#include "run/case.h"
#include "targets.h"

static ait_context *open_context(void) {
  static ait_context *context;
  if (context == NULL) {
    ait_context_options options;
    ait_context_options_init(&options);
    options.device = "cpu";
    options.threads = 1;
    FUZZ_EXPECT(ait_context_create(&options, &context) == AIT_OK);
  }
  return context;
}

int fuzz_case_file(const uint8_t *data, size_t size) {
  static const char *const names[] = {"case.json",        "x.npy",          "z.npy",
                                      "train_images.npy", "val_images.npy", "train_labels.npy",
                                      "val_labels.npy",   "c.npy"};
  fuzz_part input = {data, size};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    fuzz_put(names[i], fuzz_take(&input));
  }
  ait_case *opened;
  if (fuzz_succeeded(ait_case_open(open_context(), fuzz_folder(), &opened))) {
    FUZZ_EXPECT(ait_case_methods(opened) >= 0);
    ait_case_close(opened);
  }
  return 0;
}
