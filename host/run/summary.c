/* summary.c - what a run found, for people, and the lines that other summaries share with it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/run.h"
#include "run/summary.h"

enum { EXAMPLES = 5 };

const char *ait_summary_percent(double share, char text[16]) {
  if (isnan(share)) {
    return "-";
  }
  snprintf(text, 16, "%.1f", 100 * share);
  return text;
}

/* ---- what was done ----------------------------------------------------------------------------- */

/* What some of the validation rows are, and a comma. */
static void print_validation_parts(const ait_clean_data *d, FILE *out) {
  const char *before = " (";
  if (d->reviewed_rows > 0) {
    fprintf(out, "%s%lld of them reviewed training rows", before, (long long)d->reviewed_rows);
    before = ", ";
  }
  if (d->aside.planted > 0) {
    fprintf(out, "%s%lld planted among the training rows, %lld of these with a wrong label", before,
            (long long)d->aside.planted, (long long)d->aside.flipped);
    before = ", ";
  }
  if (d->aside.held_out > 0) {
    fprintf(out, "%s%lld held out of F", before, (long long)d->aside.held_out);
    before = ", ";
  }
  fputs(*before == ',' ? ")" : "", out);
  fputs(d->aside.planted > 0 || d->aside.held_out > 0 ? ",\n        " : ", ", out);
}

void ait_summary_data(const ait_clean_settings *s, const ait_clean_data *d, FILE *out) {
  fprintf(out, "\nData    %s: %lld training rows", s->dataset != NULL ? s->dataset : s->images,
          (long long)d->train_rows);
  if (d->truth != NULL) {
    fprintf(out, ", %lld of them mislabelled on purpose (%s noise %g)", (long long)d->mislabelled_rows,
            ait_noise_model_name((ait_noise_model)s->noise_model), s->noise);
  }
  fprintf(out, "\n        %lld clean validation rows", (long long)d->validation_rows);
  print_validation_parts(d, out);
  if (d->test != NULL) {
    fprintf(out, "%lld test rows, ", (long long)d->test_rows);
  }
  fprintf(out, "%lld features, %d classes, seed %llu\n", (long long)d->features, d->classes,
          (unsigned long long)s->seed);
}

void ait_summary_device(const ait_context *context, int32_t math, FILE *out) {
  const int32_t threads = ait_context_threads(context);
  const char *device = ait_context_device(context);
  fprintf(out, " on %s", device);
  if (strcmp(device, "cpu") == 0) {
    fprintf(out, " (%d thread%s)", threads, threads == 1 ? "" : "s");
  } else if (math == AIT_MATH_TF32) {
    fprintf(out, " (tf32)");
  }
  fputc('\n', out);
}

static void print_early_stopping(const ait_run *run, FILE *out) {
  const ait_early_stopping *early = &run->early;
  if (early->iteration == 0) {
    return;
  }
  fprintf(out, "        written as they were after %lld UL iterations, where the loss of held-out rows was least, %.4f",
          (long long)early->iteration, early->loss);
  if (ait_early_is_over(early) && run->iterations < run->settings->iterations) {
    fprintf(out, ";\n        the run ended as it was no less in %lld evaluations since", (long long)early->patience);
  }
  fputc('\n', out);
}

void ait_run_print_method(const ait_run *run, FILE *out) {
  const ait_clean_settings *s = run->settings;
  fprintf(out, "Run     %s%s, %s classifier, %lld UL iterations of %lld LL steps in %.1f s", s->method_name,
          ait_method_choices_first(&s->method_settings.choices) != NULL ? " with other choices" : "", s->model.text,
          (long long)run->iterations, (long long)s->ll_steps, run->iteration_seconds);
  ait_summary_device(run->context, s->math, out);
  if (s->lq_weight != -1) {
    fprintf(out, "        %g (||W||^2 + %g^2)^(%g/2) is added to the LL objective for the weights W of every layer\n",
            s->lq_weight, s->lq_epsilon, s->lq_q);
  }
  if (s->ll_rate_auto) {
    fprintf(out, "        LL step size %.3g, chosen by the largest curvature at the start, %.3g\n", s->ll_rate,
            s->ll_curvature);
  }
  if (run->stopped) {
    fprintf(out, "        STOPPED after %lld of %lld iterations; a rerun with the same seed repeats them\n",
            (long long)run->iterations, (long long)s->iterations);
  }
  print_early_stopping(run, out);
  if (run->ll_unsolved > 0) {
    fprintf(out,
            "        %lld of %lld LL problems were not solved to the tolerance %g: their hyper-gradients need not be "
            "right\n",
            (long long)run->ll_unsolved, (long long)ait_run_written_iteration(run) + 1, s->method.lbfgs.tolerance);
  }
  if (run->curved > 0) {
    fprintf(out,
            "        conjugate gradient met negative curvature %lld times: its hyper-gradients need not be right\n",
            (long long)run->curved);
  }
}

/* ---- how well it ranks, where the truth is known ----------------------------------------------- */

void ait_summary_ranking(const char *name, const ait_ranking *r, FILE *out) {
  char auroc[16], precision[16], f1[16], first[16], second[16], found[48];
  snprintf(found, sizeof found, "%lld of %lld", (long long)r->found, (long long)r->positives);
  fprintf(out, "  %-38s %12s %6s %6s %6s %6s %7s\n", name, found, ait_summary_percent(r->auroc, auroc),
          ait_summary_percent(r->average_precision, precision), ait_summary_percent(r->f1, f1),
          ait_summary_percent(r->precision_100, first), ait_summary_percent(r->precision_1000, second));
}

void ait_summary_warning(const char *sentence, FILE *stream) {
  const size_t width = 112;
  size_t column = (size_t)fprintf(stream, "  WARNING:");
  while (*sentence != '\0') {
    const size_t word = strcspn(sentence, " ");
    if (column + 1 + word > width) {
      fputs("\n   ", stream);
      column = 3;
    }
    fprintf(stream, " %.*s", (int)word, sentence);
    column += 1 + word;
    sentence += word;
    sentence += strspn(sentence, " ");
  }
  fputc('\n', stream);
}

void ait_summary_ranking_heading(int64_t flagged, FILE *out) {
  fprintf(out, "\nMislabelled rows among the %lld most suspect (figures in %%)\n", (long long)flagged);
  fprintf(out, "  %-38s %12s %6s %6s %6s %6s %7s\n", "ranked by", "found", "AUROC", "AP", "F1", "P@100", "P@1000");
}

static void print_rankings(const ait_run *run, FILE *out) {
  static const char *const names[] = {"doubt of the cleaned classifier", "weight", "gradient"};
  ait_summary_ranking_heading(run->flagged, out);
  for (int score = 0; score < AIT_SCORE_COUNT; score++) {
    char name[48];
    snprintf(name, sizeof name, "%s%s", names[score], score == run->settings->score ? " (used)" : "");
    ait_summary_ranking(name, &run->ranking[score], out);
  }
  ait_sides_print_rankings(&run->sides, out);
  ait_sides_print_verdict(&run->sides, run->ranking[run->settings->score].auroc, out);
}

static void print_clean_f1(const ait_run *run, FILE *out) {
  char ours[16], all[16], oracle[16];
  fprintf(out, "  The paper's clean-class F1: %s (calling every row clean scores %s, a perfect oracle %s).\n",
          ait_summary_percent(run->clean_f1, ours), ait_summary_percent(run->clean_f1_all_clean, all),
          ait_summary_percent(run->clean_f1_oracle, oracle));
}

/* ---- what there is to say where it is not ------------------------------------------------------ */

static void print_suspects(const ait_run *run, FILE *out) {
  const ait_suspects suspects = ait_run_suspects(run);
  const ait_listed listed = ait_listed_of(&suspects);
  const char *without = run->data->aside.without;
  fprintf(out,
          "\nSuspects: %lld of %lld rows carry a label that the cleaned classifier finds less likely than another\n",
          (long long)run->suspected, (long long)run->data->train_rows);
  ait_calibration_print(&run->calibration, &listed, out);
  if (run->data->aside.planted == 0) {
    fprintf(out, "  Which of them are wrong is not known, so no figure here says how sure the ranking is.\n");
  }
  if (without[0] != '\0') {
    fprintf(out, "  No validation rows were planted: %s.\n", without);
  }
}

static void print_disagreement(const ait_run *run, FILE *out) {
  ait_label_table_print(&run->labels, run->data, out);
  ait_sides_print_agreement(&run->sides, run->flagged, out);
}

void ait_summary_examples(const ait_suspects *s, FILE *out) {
  const ait_clean_data *d = s->data;
  fprintf(out, "\nMost suspect\n");
  for (int64_t place = 0; place < EXAMPLES && place < d->train_rows; place++) {
    int64_t i = s->order[place];
    char given[16], best[16], truth[16];
    fprintf(out, "  row %-8lld given %s (%.1f %%), suggested %s (%.1f %%)", (long long)d->source_rows[i],
            ait_clean_data_class(d, d->given[i], given), 100 * s->given_probability[i],
            ait_clean_data_class(d, s->suggested[i], best), 100 * s->suggested_probability[i]);
    if (d->truth != NULL) {
      fprintf(out, ", truly %s", ait_clean_data_class(d, d->truth[i], truth));
    }
    if (d->ids != NULL) {
      fprintf(out, ", id %s", d->ids[d->source_rows[i]]);
    }
    fputc('\n', out);
  }
}

/* ---- accuracy ---------------------------------------------------------------------------------- */

void ait_summary_accuracy_heading(FILE *out) {
  fprintf(out, "\nAccuracy on the test rows (%%)\n");
}

void ait_summary_accuracy(const char *name, double accuracy, FILE *out) {
  char text[16];
  if (!isnan(accuracy)) {
    fprintf(out, "  %-58s %6s\n", name, ait_summary_percent(accuracy, text));
  }
}

static void print_accuracies(const ait_run *run, FILE *out) {
  if (run->data->test == NULL) {
    return;
  }
  ait_summary_accuracy_heading(out);
  ait_summary_accuracy("this run, at y_K (trained on the weighted rows)", run->accuracy_y, out);
  ait_summary_accuracy("this run, at z (the learned start)", run->accuracy_z, out);
  ait_sides_print_accuracies(&run->sides, run->data, run->flagged, out);
}

static void print_files(const ait_run *run, const ait_suspects *suspects, const char *folder, FILE *out) {
  fprintf(out, "\nFiles in %s: suspects.csv (%s, most suspect first), run.json (settings and figures),\n", folder,
          suspects->written < run->data->train_rows ? "these rows" : "every row");
  fprintf(
      out, "  history.csv, seconds.csv, weights.npy, scores.npy, y.npy, z.npy%s\n",
      run->data->aside.planted > 0 ? ",\n  calibration.csv (what lists of other lengths are expected to hold)" : "");
}

void ait_run_print(const ait_run *run, const char *folder, FILE *out) {
  ait_summary_data(run->settings, run->data, out);
  ait_run_print_method(run, out);
  if (run->data->mislabelled_rows > 0) {
    print_rankings(run, out);
    print_clean_f1(run, out);
  }
  if (run->data->truth == NULL || run->data->aside.planted > 0) {
    print_suspects(run, out);
  }
  if (run->data->truth == NULL) {
    print_disagreement(run, out);
  }
  print_accuracies(run, out);
  ait_sides_print_failures(&run->sides, out);
  const ait_suspects suspects = ait_run_suspects(run);
  ait_summary_examples(&suspects, out);
  print_files(run, &suspects, folder, out);
}
