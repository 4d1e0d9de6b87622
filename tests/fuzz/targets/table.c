/* table.c - CSV files: cell by cell, and as the suspects.csv of a report. */
#include <math.h>

#include "ait/matrix.h"
#include "data/csv.h"
#include "files.h"
#include "report/digest.h"
#include "targets.h"

static void read_cells(const ait_csv *csv) {
  for (int32_t column = 0; column < csv->columns; column++) {
    double number;
    int64_t whole;
    fuzz_succeeded(ait_csv_number(csv, column, &number));
    if (fuzz_succeeded(ait_csv_whole(csv, column, -5, 1000, &whole))) {
      FUZZ_EXPECT(whole >= -5 && whole <= 1000);
    }
    FUZZ_EXPECT(ait_csv_column(csv, csv->column[column]) <= column);
  }
}

static void read_table(const char *path) {
  ait_csv csv;
  if (!fuzz_succeeded(ait_csv_open(path, &csv))) {
    return;
  }
  FUZZ_EXPECT(csv.columns >= 1 && csv.columns <= AIT_CSV_MOST_FIELDS);
  for (int32_t more = 1; more && fuzz_succeeded(ait_csv_next(&csv, &more));) {
    if (more) {
      read_cells(&csv);
    }
  }
  ait_csv_close(&csv);
}

static void read_suspects(const char *path, const ait_matrix *values) {
  ait_digest digest;
  if (!fuzz_succeeded(ait_digest_read(path, values, &digest))) {
    return;
  }
  int64_t bars = 0;
  for (int32_t i = 0; i < AIT_DIGEST_BARS; i++) {
    bars += digest.right_bars[i] + digest.other_bars[i];
  }
  FUZZ_EXPECT(digest.rows > 0 && digest.rows <= digest.all_rows && bars <= digest.all_rows + digest.rows);
  FUZZ_EXPECT(digest.points <= AIT_DIGEST_POINTS && digest.wrong_made_right <= digest.wrong);
  ait_digest_free(&digest);
}

/* The first byte says whether the scores of more rows than the file lists are known. */
int fuzz_table(const uint8_t *data, size_t size) {
  static const double scores[] = {0, 1e308, -1e308, 0.5, INFINITY, -INFINITY, NAN, 3};
  fuzz_part input = {data, size};
  ait_matrix *values = NULL;
  if (fuzz_take_byte(&input) % 2 == 1) {
    FUZZ_EXPECT(ait_matrix_view(AIT_F64, 8, 1, 1, scores, &values) == AIT_OK);
  }
  const char *path = fuzz_file(0, input);
  read_table(path);
  read_suspects(path, values);
  ait_matrix_destroy(values);
  return 0;
}
