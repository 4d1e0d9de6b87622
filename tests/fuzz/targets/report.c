/* report.c - the folders of runs and of sweeps that a report is made of, and the page that comes of them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "report/report.h"
#include "targets.h"

/* gnuplot is a program of its own, and no reader of ours. */
static void without_gnuplot(void) {
  static int done;
  if (!done) {
    FUZZ_EXPECT(setenv("PATH", "/nowhere", 1) == 0);
    FUZZ_EXPECT(mkdir(fuzz_path("run"), 0777) == 0);
    done = 1;
  }
}

/* The parts of a run. */
static void put_run(fuzz_part *input) {
  static const char *const names[] = {"run/suspects.csv",      "run/history.csv", "run/seconds.csv",
                                      "run/calibration.csv",   "run/weights.npy", "run/scores.npy",
                                      "run/suspect_images.npy"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    fuzz_put(names[i], fuzz_take(input));
  }
}

/* The first byte chooses what the first part is; the second one is the run.json of a run that a sweep may list. */
int fuzz_report(const uint8_t *data, size_t size) {
  static const char *const documents[] = {"run/run.json", "run/baseline.json", "sweep.json", "compare.json"};
  fuzz_part input = {data, size};
  without_gnuplot();
  const size_t kind = fuzz_take_byte(&input) % 4;
  const fuzz_part none = {NULL, 0}, document = fuzz_take(&input), run = fuzz_take(&input);
  for (size_t i = 0; i < 4; i++) {
    fuzz_put(documents[i], i == kind ? document : i == 0 && kind >= 2 ? run : none);
  }
  put_run(&input);
  char missing[512], folder[128], *folders[] = {folder};
  snprintf(folder, sizeof folder, "%s%s", fuzz_folder(), kind < 2 ? "/run" : "");
  ait_report_source source;
  if (fuzz_succeeded(ait_report_read(1, folders, &source))) {
    fuzz_succeeded(ait_report_write(&source, fuzz_path("report.html"), missing, sizeof missing));
    ait_report_free(&source);
  }
  return 0;
}
