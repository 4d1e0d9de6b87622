/* source.h - the runs that a report is about, as their folders tell them. */
#ifndef AIT_REPORT_SOURCE_H
#define AIT_REPORT_SOURCE_H

#include <cjson/cJSON.h>

#include "ait/matrix.h"
#include "report/digest.h"

#ifdef __cplusplus
extern "C" {
#endif

/* So many runs a report; of the first ones pictures and curves are shown. */
enum { AIT_REPORT_MOST_RUNS = 1000, AIT_REPORT_MOST_SHOWN = 8 };

/* The columns of history.csv, and that of seconds.csv. */
typedef enum ait_curve_kind {
  AIT_CURVE_T,
  AIT_CURVE_SECONDS,
  AIT_CURVE_F_KBAR,
  AIT_CURVE_F_K,
  AIT_CURVE_KBAR,
  AIT_CURVE_ACCURACY_Y,
  AIT_CURVE_ACCURACY_Z,
  AIT_CURVE_F1,
  AIT_CURVE_AUROC,
  AIT_CURVE_HELD_OUT_LOSS,
  AIT_CURVE_COUNT
} ait_curve_kind;

/* The columns of calibration.csv that are shown. */
typedef enum ait_expected_kind {
  AIT_EXPECTED_ROWS,
  AIT_EXPECTED_PRECISION,
  AIT_EXPECTED_PRECISION_LOW,
  AIT_EXPECTED_PRECISION_HIGH,
  AIT_EXPECTED_RECALL,
  AIT_EXPECTED_RECALL_LOW,
  AIT_EXPECTED_RECALL_HIGH,
  AIT_EXPECTED_COUNT
} ait_expected_kind;

/* Numbers by UL iteration, or by the length of a list (ait_expected_kind), NaN where none was taken. */
typedef struct ait_curves {
  int64_t count, capacity;
  double *value[AIT_CURVE_COUNT];
} ait_curves;

/* One run. Everything is owned by it but what is called borrowed. */
typedef struct ait_report_run {
  char *folder, *name;    /* the path, and the shortest end of it that tells the runs apart */
  cJSON *document;        /* run.json or baseline.json */
  const cJSON *settings;  /* borrowed from the document, as are the others; NULL where it has none */
  const cJSON *result;    /* what was found */
  const cJSON *baselines; /* the cheap rankings */
  const cJSON *data;
  int32_t is_transition, is_baseline;
  /* of the runs that are shown */
  int32_t is_shown;
  ait_digest digest;
  ait_curves curves, expected;
  ait_matrix *pictures; /* suspect_images.npy: h x w (x 3) bytes a row; NULL where there are none */
} ait_report_run;

/* What a folder of several runs says of itself. */
typedef struct ait_report_group {
  char *folder;
  cJSON *document; /* sweep.json or compare.json */
} ait_report_group;

typedef struct ait_report_source {
  int64_t count, shown, capacity;
  ait_report_run *runs; /* capacity of them have room */
  int32_t group_count;
  ait_report_group *groups; /* by folder given */
} ait_report_source;

/* Reads the folders: those of runs and of baselines, and those of sweeps with the runs they list, and of comparisons.
 * On failure nothing is left to free. Errors: AIT_NOT_FOUND, AIT_IO_ERROR, AIT_BAD_DATA (the sentence names the file),
 * AIT_INVALID_ARGUMENT (too many runs), AIT_OUT_OF_MEMORY. */
ait_status ait_report_read(int32_t count, char *const *folders, ait_report_source *source);

/* What a class is called, or its number written into `number`. */
const char *ait_report_class(const ait_report_run *run, int32_t label, char number[16]);

/* The item at a path of keys such as "ranking/transition", or NULL. */
const cJSON *ait_report_item(const cJSON *object, const char *path);

/* The number there, or NaN; the text there, or NULL. */
double ait_report_number(const cJSON *object, const char *path);
const char *ait_report_text(const cJSON *object, const char *path);

void ait_report_free(ait_report_source *source);

#ifdef __cplusplus
}
#endif
#endif
