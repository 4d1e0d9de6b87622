/* document.c - what the files of every result folder share: arrays, lists of suspects, JSON. */
#include "run/document.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "context/error.h"
#include "data/file.h"
#include "run/json.h"
#include "run/pictures.h"

/* ---- cells ------------------------------------------------------------------------------------- */

void ait_document_csv(FILE *stream, double figure) {
  if (isnan(figure)) {
    fputc(',', stream);
  } else {
    fprintf(stream, ",%.17g", figure);
  }
}

/* ---- arrays ------------------------------------------------------------------------------------ */

ait_status ait_document_array(const ait_folder *folder, const char *name, ait_type type, int64_t rows, int64_t columns,
                              const void *data) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, name, path));
  ait_matrix *view;
  AIT_TRY(ait_matrix_view(type, rows, columns, columns, data, &view));
  ait_status status = ait_matrix_write_npy(view, 1, path);
  ait_matrix_destroy(view);
  return status;
}

/* ---- suspects.csv ------------------------------------------------------------------------------ */

enum { SUSPECTS_HEAD = 128 }; /* bytes of its first line, at most */

/* A field as RFC 4180 wants it: quoted where it holds a comma, a quote or a line break. */
static void write_field(FILE *stream, const char *text) {
  if (strpbrk(text, ",\"\r\n") == NULL) {
    fputs(text, stream);
    return;
  }
  fputc('"', stream);
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"') {
      fputc('"', stream);
    }
    fputc(*c, stream);
  }
  fputc('"', stream);
}

static void write_suspect(const ait_suspects *s, int64_t i, FILE *stream) {
  const ait_clean_data *d = s->data;
  fprintf(stream, "%lld", (long long)d->source_rows[i]);
  if (d->ids != NULL) {
    fputc(',', stream);
    write_field(stream, d->ids[d->source_rows[i]]);
  }
  fprintf(stream, ",%d,%.9g,%d,%.9g", d->given[i], s->given_probability[i], s->suggested[i],
          s->suggested_probability[i]);
  if (s->x != NULL) {
    fprintf(stream, ",%.9g", 1 / (1 + exp(-(double)s->x[i])));
  }
  fprintf(stream, ",%.9g", s->score[i]);
  if (d->truth != NULL) {
    fprintf(stream, ",%d", d->truth[i]);
  }
  fputc('\n', stream);
}

/* Ends with the line; returns its length. */
static size_t name_columns(const ait_clean_data *d, int32_t with_weights, char line[SUSPECTS_HEAD]) {
  return (size_t)snprintf(
      line, SUSPECTS_HEAD, "row%s,given_label,given_probability,suggested_label,suggested_probability%s,score%s\n",
      d->ids != NULL ? ",id" : "", with_weights ? ",weight" : "", d->truth != NULL ? ",true_label" : "");
}

static int32_t begins_with_columns(const ait_clean_data *d, int32_t with_weights, const char *head, ssize_t length) {
  char line[SUSPECTS_HEAD];
  const size_t expected = name_columns(d, with_weights, line);
  return length >= (ssize_t)expected && memcmp(head, line, expected) == 0;
}

ait_status ait_document_check_suspects(const char *folder, const ait_clean_data *data) {
  char path[PATH_MAX], head[SUSPECTS_HEAD];
  if (snprintf(path, sizeof path, "%s/suspects.csv", folder) >= (int)sizeof path) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s: the path is too long", folder);
  }
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return errno == ENOENT ? AIT_OK : ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
  }
  const ssize_t length = read(descriptor, head, sizeof head);
  close(descriptor);
  return begins_with_columns(data, 0, head, length) || begins_with_columns(data, 1, head, length)
             ? AIT_OK
             : ait_fail(AIT_IO_ERROR,
                        "%s: has other columns than the run gave it: move it elsewhere, as the run would replace it",
                        path);
}

ait_status ait_document_suspects(const ait_suspects *s, const ait_folder *folder) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, "suspects.csv", path));
  ait_file file;
  AIT_TRY(ait_file_begin(&file, path));
  char head[SUSPECTS_HEAD];
  name_columns(s->data, s->x != NULL, head);
  fputs(head, file.stream);
  for (int64_t i = 0; i < s->written; i++) {
    write_suspect(s, s->order[i], file.stream);
  }
  AIT_TRY(ait_file_commit(&file));
  return ait_pictures_write(s, folder);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

/* NaN has no place in JSON. */
void ait_document_figure(cJSON *object, const char *name, double value) {
  if (isnan(value)) {
    cJSON_AddNullToObject(object, name);
  } else {
    cJSON_AddNumberToObject(object, name, value);
  }
}

void ait_document_text(cJSON *object, const char *name, const char *text) {
  ait_json_add(object, name, text != NULL ? ait_json_text(text) : cJSON_CreateNull());
}

void ait_document_seed(cJSON *object, uint64_t value) {
  char seed[24];
  snprintf(seed, sizeof seed, "%" PRIu64, value);
  cJSON_AddRawToObject(object, "seed", seed);
}

void ait_document_program(cJSON *json, const ait_context *context, int32_t math) {
  cJSON_AddStringToObject(json, "program", sizeof(ait_real) == sizeof(double) ? "ait64" : "ait");
  cJSON_AddStringToObject(json, "version", ait_version());
  cJSON_AddStringToObject(json, "precision", sizeof(ait_real) == sizeof(double) ? "double" : "float");
  cJSON_AddStringToObject(json, "device", ait_context_device(context));
  cJSON_AddStringToObject(json, "device_description", ait_context_description(context));
  cJSON_AddStringToObject(json, "math", ait_math_words[math]);
  cJSON_AddNumberToObject(json, "threads", ait_context_threads(context));
}

void ait_document_data(cJSON *object, const ait_clean_settings *s, const ait_clean_data *d) {
  static const char *const keys[] = {"dataset",    "data_dir",    "images",      "labels", "val_images",
                                     "val_labels", "test_images", "test_labels", "ids",    "reviewed"};
  const char *const values[] = {s->dataset,           s->data_dir,    s->images,      s->labels, s->validation_images,
                                s->validation_labels, s->test_images, s->test_labels, s->ids,    s->reviewed};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    ait_document_text(object, keys[i], values[i]);
  }
  cJSON_AddNumberToObject(object, "train", (double)d->train_rows);
  cJSON_AddNumberToObject(object, "validation", (double)d->validation_rows);
  cJSON_AddNumberToObject(object, "test", (double)d->test_rows);
  cJSON_AddNumberToObject(object, "reviewed_rows", (double)d->reviewed_rows);
  ait_document_figure(object, "noise", d->truth != NULL ? s->noise : NAN);
  ait_document_text(object, "noise_model",
                    d->truth != NULL ? ait_noise_model_name((ait_noise_model)s->noise_model) : NULL);
}

void ait_document_rows(cJSON *json, const ait_clean_data *d) {
  cJSON *data = cJSON_AddObjectToObject(json, "data");
  cJSON_AddNumberToObject(data, "features", (double)d->features);
  cJSON_AddNumberToObject(data, "classes", d->classes);
  cJSON_AddStringToObject(data, "type", ait_type_name(ait_matrix_type(d->train)));
  if (ait_dataset_class_name(d->sources[0], 0) == NULL) {
    cJSON_AddNullToObject(data, "class_names");
    return;
  }
  cJSON *names = cJSON_AddArrayToObject(data, "class_names");
  for (int32_t c = 0; c < d->classes; c++) {
    ait_json_append(names, ait_json_text(ait_dataset_class_name(d->sources[0], c)));
  }
}

void ait_document_ranking(cJSON *object, const char *name, const ait_ranking *ranking) {
  cJSON *item = cJSON_AddObjectToObject(object, name);
  cJSON_AddNumberToObject(item, "found", (double)ranking->found);
  ait_document_figure(item, "auroc", ranking->auroc);
  ait_document_figure(item, "average_precision", ranking->average_precision);
  ait_document_figure(item, "f1", ranking->f1);
  ait_document_figure(item, "precision_at_100", ranking->precision_100);
  ait_document_figure(item, "precision_at_1000", ranking->precision_1000);
}

ait_status ait_document_write(const cJSON *json, const ait_folder *folder, const char *name) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, name, path));
  char *text = json != NULL ? cJSON_Print(json) : NULL;
  ait_file file;
  ait_status status = ait_json_expect_whole(path);
  if (status == AIT_OK) {
    status = ait_file_begin(&file, path);
  }
  if (status == AIT_OK) {
    fprintf(file.stream, "%s\n", text);
    status = ait_file_commit(&file);
  }
  cJSON_free(text);
  return status;
}
