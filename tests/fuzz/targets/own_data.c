/* own_data.c - the files of a user's own data: images and labels that have to fit together, ids, and reviewed labels.
 */
#include <string.h>

#include "files.h"
#include "run/data.h"
#include "run/data_checks.h"
#include "targets.h"

enum { FILES = 6 };

static void check(const ait_clean_data *data) {
  char sentence[AIT_DATA_SENTENCE];
  for (int64_t i = 0; i < data->train_rows; i++) {
    FUZZ_EXPECT(data->given[i] >= 0 && data->given[i] < data->classes);
  }
  for (int64_t i = 0; i < data->validation_rows; i++) {
    FUZZ_EXPECT(data->validation_labels[i] >= 0 && data->validation_labels[i] < data->classes);
  }
  for (int32_t i = 0; ait_data_warning(data, i, sentence); i++) {
    FUZZ_EXPECT(strlen(sentence) < AIT_DATA_SENTENCE);
  }
}

/* The parts: images, labels, those of validation, ids and reviewed labels. Of the last two an empty one is not named.
 */
int fuzz_own_data(const uint8_t *data, size_t size) {
  fuzz_part input = {data, size};
  const char *path[FILES];
  size_t bytes[FILES];
  for (int i = 0; i < FILES; i++) {
    const fuzz_part part = fuzz_take(&input);
    path[i] = fuzz_file(i, part);
    bytes[i] = part.size;
  }
  ait_clean_settings settings;
  ait_clean_data rows;
  ait_clean_settings_init(&settings);
  settings.images = path[0];
  settings.labels = path[1];
  settings.validation_images = path[2];
  settings.validation_labels = path[3];
  settings.ids = bytes[4] > 0 ? path[4] : NULL;
  settings.reviewed = bytes[5] > 0 ? path[5] : NULL;
  if (fuzz_succeeded(ait_clean_data_load(&settings, &rows))) {
    check(&rows);
    ait_clean_data_free(&rows);
  }
  return 0;
}
