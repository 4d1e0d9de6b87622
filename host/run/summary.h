/* summary.h - lines that the summaries of several commands share. */
#ifndef AIT_RUN_SUMMARY_H
#define AIT_RUN_SUMMARY_H

#include <stdio.h>

#include "run/document.h"

/* "97.6", or "-" where there is no figure. */
const char *ait_summary_percent(double share, char text[16]);

/* "Data    ...": where the rows came from, how many there are, and what is wrong with them. */
void ait_summary_data(const ait_clean_settings *settings, const ait_clean_data *data, FILE *stream);

/* " on cpu (2 threads)", " on cuda:0 (tf32)", and the end of the line. */
void ait_summary_device(const ait_context *context, int32_t math, FILE *stream);

/* "  WARNING: ...", in lines of no more than 112 characters where its words allow. */
void ait_summary_warning(const char *sentence, FILE *stream);

/* The heading of a table of rankings whose truth is known, and a line of it. */
void ait_summary_ranking_heading(int64_t flagged, FILE *stream);
void ait_summary_ranking(const char *name, const ait_ranking *ranking, FILE *stream);

/* The heading of accuracies on the test rows, and a line of them; nothing where the accuracy is NaN. */
void ait_summary_accuracy_heading(FILE *stream);
void ait_summary_accuracy(const char *name, double accuracy, FILE *stream);

/* The rows at the head of a ranking. */
void ait_summary_examples(const ait_suspects *suspects, FILE *stream);

#endif
