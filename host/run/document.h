/* document.h - what the files of every result folder share: arrays, lists of suspects, JSON. */
#ifndef AIT_RUN_DOCUMENT_H
#define AIT_RUN_DOCUMENT_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "run/data.h"
#include "run/folder.h"
#include "run/metrics.h"
#include "run/suspects.h"

/* A number that NaN stands in for where there is none, and a text or NULL; both become null. */
void ait_document_figure(cJSON *object, const char *name, double value);
void ait_document_text(cJSON *object, const char *name, const char *text);

/* A seed as it is: a double would round it. */
void ait_document_seed(cJSON *object, uint64_t seed);

/* Program, version, precision and device. */
void ait_document_program(cJSON *object, const ait_context *context, int32_t math);

/* Where the rows came from and how many there are. */
void ait_document_data(cJSON *object, const ait_clean_settings *settings, const ait_clean_data *data);

/* What the rows are, as an object `data`: features, classes with their names or null, type. */
void ait_document_rows(cJSON *json, const ait_clean_data *data);

/* The figures of a ranking, as an object `name`. */
void ait_document_ranking(cJSON *object, const char *name, const ait_ranking *ranking);

/* Writes a file of a partial folder; `json` comes from ait_json_begin and may lack what there was no memory for.
 * Errors: AIT_OUT_OF_MEMORY, those of ait_file_commit. */
ait_status ait_document_write(const cJSON *json, const ait_folder *folder, const char *name);

/* Writes an array of a partial folder as .npy; one column is flat. Errors: those of ait_matrix_write_npy. */
ait_status ait_document_array(const ait_folder *folder, const char *name, ait_type type, int64_t rows, int64_t columns,
                              const void *data);

/* A comma, and a figure with every digit; a figure that is NaN is an empty cell. */
void ait_document_csv(FILE *stream, double figure);

/* Whether the suspects.csv in a folder, if there is one, has the columns that a run with such rows gives it; else
 * somebody has worked on it. Errors: AIT_IO_ERROR (the sentence says what to do). */
ait_status ait_document_check_suspects(const char *folder, const ait_clean_data *data);

/* Writes suspects.csv of a partial folder, and suspect_images.npy where rows are images. Errors: those of
 * ait_file_commit and ait_pictures_write. */
ait_status ait_document_suspects(const ait_suspects *suspects, const ait_folder *folder);

#endif
