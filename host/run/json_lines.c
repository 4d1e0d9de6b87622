/* json_lines.c - how far a run is, for scripts: one JSON object a line on standard output. */
#include "run/json_lines.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "run/document.h"
#include "run/json.h"

static int32_t is_incomplete = 0; /* nonzero: there was no memory for a line */
static int output_error = 0;      /* errno of the first line that could not be written */

int ait_json_line_error(void) {
  return output_error;
}

/* A line that could not be written shows when the program closes its output, and one that could not be made in the
 * summary; the run goes on. */
static ait_status print_line(cJSON *object) {
  char *text = cJSON_PrintUnformatted(object);
  const ait_status status = ait_json_expect_whole("a line of --json");
  if (status == AIT_OK) {
    errno = 0;
    if ((printf("%s\n", text) < 0 || fflush(stdout) != 0) && output_error == 0) {
      output_error = errno;
    }
  }
  is_incomplete |= status != AIT_OK;
  cJSON_free(text);
  cJSON_Delete(object);
  return status;
}

static cJSON *begin(const char *event) {
  cJSON *object = ait_json_begin();
  cJSON_AddStringToObject(object, "event", event);
  return object;
}

/* With every digit, as history.csv has it; cJSON would leave out the last ones. */
static void add_figure(cJSON *object, const char *name, double value) {
  char digits[32];
  snprintf(digits, sizeof digits, "%.17g", value);
  if (isnan(value)) {
    cJSON_AddNullToObject(object, name);
  } else {
    cJSON_AddRawToObject(object, name, digits);
  }
}

/* Of the run with these settings. */
static cJSON *begin_iteration(const ait_clean_settings *s) {
  cJSON *object = begin("iteration");
  ait_document_seed(object, s->seed);
  ait_document_figure(object, "noise", s->noise >= 0 ? s->noise : NAN);
  return object;
}

void ait_json_line_iteration(const ait_clean_settings *s, const ait_history_row *row) {
  cJSON *object = begin_iteration(s);
  cJSON_AddNumberToObject(object, "t", (double)row->t);
  cJSON_AddNumberToObject(object, "seconds", row->seconds);
  add_figure(object, "F_kbar", row->F_kbar);
  add_figure(object, "F_K", row->F_K);
  cJSON_AddNumberToObject(object, "kbar", row->kbar);
  add_figure(object, "test_accuracy_y", row->accuracy_y);
  add_figure(object, "test_accuracy_z", row->accuracy_z);
  add_figure(object, "f1", row->f1);
  add_figure(object, "auroc", row->auroc);
  add_figure(object, "held_out_loss", row->held_out_loss);
  (void)print_line(object);
}

void ait_json_line_arm(const ait_clean_settings *s, const char *arm, int64_t t, double seconds,
                       const ait_json_figures *figures) {
  cJSON *object = begin_iteration(s);
  ait_document_text(object, "arm", arm);
  cJSON_AddNumberToObject(object, "t", (double)t);
  cJSON_AddNumberToObject(object, "seconds", seconds);
  for (int32_t i = 0; i < figures->count; i++) {
    add_figure(object, figures->names[i], figures->values[i]);
  }
  (void)print_line(object);
}

void ait_json_line_note(const char *text) {
  cJSON *object = begin("note");
  ait_document_text(object, "text", text);
  (void)print_line(object);
}

/* The text of a file without the spaces between its tokens. Numbers stay as they are, which reading them as doubles
 * would not do to a large seed. */
static ait_status minify_file(const char *path, char **text) {
  FILE *file = fopen(path, "rbe");
  if (file == NULL) {
    return ait_fail(AIT_IO_ERROR, "%s: cannot be read back: %s", path, strerror(errno));
  }
  size_t size = 0;
  const ssize_t length = getdelim(text, &size, '\0', file);
  const int reason = errno, failed = ferror(file);
  fclose(file);
  if (length < 0 || failed) {
    return ait_fail(reason == ENOMEM ? AIT_OUT_OF_MEMORY : AIT_IO_ERROR, "%s: cannot be read back: %s", path,
                    strerror(reason));
  }
  cJSON_Minify(*text);
  return AIT_OK;
}

ait_status ait_json_line_summary(const char *folder, const char *document) {
  char path[PATH_MAX], *text = NULL;
  if (snprintf(path, sizeof path, "%s/%s", folder, document) >= (int)sizeof path) {
    return ait_fail(AIT_INVALID_ARGUMENT, "--out %s: the path is too long", folder);
  }
  ait_status status = minify_file(path, &text);
  if (status == AIT_OK) {
    cJSON *object = begin("summary");
    ait_document_text(object, "folder", folder);
    cJSON_AddRawToObject(object, "document", text);
    status = print_line(object);
  }
  free(text);
  AIT_TRY(status);
  return is_incomplete ? ait_fail(AIT_OUT_OF_MEMORY, "--json: there was no memory for some of the lines before")
                       : AIT_OK;
}
