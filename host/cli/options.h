/* options.h - what the sub-commands share: parsing of values, and how a command ends.
 *
 * Every bad value gives one sentence: the option, the value, and what was expected. */
#ifndef AIT_CLI_OPTIONS_H
#define AIT_CLI_OPTIONS_H

#include <argp.h>

#include "ait/context.h"
#include "ait/method.h"
#include "ait/solver.h"
#include "ait/status.h"
#include "run/data.h"

#ifdef AIT_DOUBLE
#define AIT_PROGRAM   "ait64"
#define AIT_PRECISION "double"
#else
#define AIT_PROGRAM   "ait"
#define AIT_PRECISION "float"
#endif

/* Exit statuses. */
enum { AIT_EXIT_SUCCESS = 0, AIT_EXIT_FAILED = 1, AIT_EXIT_USAGE = 2 };

/* The text of a macro's value, for help texts that show a default. */
#define AIT_TEXT_OF(macro) AIT_TEXT(macro)
#define AIT_TEXT(token)    #token

/* Help texts of the options that choose the machine. */
#define AIT_HELP_DEVICE "auto (the first CUDA device, else the CPU), cpu, cuda or cuda:N (default auto)"
#define AIT_HELP_MATH                                                                                     \
  "Matrix products of a CUDA device: float32, or tf32, which is faster and keeps 10 bits of each factor " \
  "(default float32)"

/* A whole number, `least` or more. */
ait_status ait_option_whole(const char *option, const char *text, int64_t least, int64_t *value);

/* The same, and at most INT32_MAX. */
ait_status ait_option_int(const char *option, const char *text, int32_t least, int32_t *value);

/* A number of LL steps: 1 to INT32_MAX - 1. */
ait_status ait_option_steps(const char *option, const char *text, int64_t *value);

/* A whole number that fits into 64 bits without a sign. */
ait_status ait_option_seed(const char *option, const char *text, uint64_t *value);

/* Seeds such as "0..9", "0,3,5" or "0..4,10", at most AIT_OPTION_MOST_SEEDS of them and each once, in the order
 * given. *seeds is the caller's to free; on failure it is NULL. */
enum { AIT_OPTION_MOST_SEEDS = 1000 };
ait_status ait_option_seeds(const char *option, const char *text, uint64_t **seeds, int64_t *count);

/* Any finite number; one above 0; one above 0 and at most 1; one in 0 .. 1. */
ait_status ait_option_number(const char *option, const char *text, double *value);
ait_status ait_option_positive(const char *option, const char *text, double *value);
ait_status ait_option_part(const char *option, const char *text, double *value);
ait_status ait_option_share(const char *option, const char *text, double *value);

/* The distance of points whose values are subtracted: one that rounding leaves to numbers around 1. */
ait_status ait_option_difference(const char *option, const char *text, double *value);

/* One in 0 .. 1 but not 1; one from 0 up. */
ait_status ait_option_fraction(const char *option, const char *text, double *value);
ait_status ait_option_not_negative(const char *option, const char *text, double *value);

/* A number of bytes, 1 or more: digits, with a point if wanted, and K, M or G behind them for 2^10, 2^20 or 2^30. */
ait_status ait_option_bytes(const char *option, const char *text, int64_t *bytes);

#define AIT_HELP_MEMORY                                                                                            \
  "At most so many bytes (K, M and G behind a number stand for 2^10, 2^20, 2^30) for the states of the LL "        \
  "iteration that the hyper-gradient goes back to; those that do not fit are computed again, to the same results " \
  "(default: room for all)"

/* A step size: a number above 0, or auto, where *automatic becomes nonzero and *value stays. */
ait_status ait_option_rate(const char *option, const char *text, int32_t *automatic, double *value);

/* One of `words` (NULL-terminated); *choice is its index. */
ait_status ait_option_choice(const char *option, const char *text, const char *const *words, int32_t *choice);

/* A method by its name; the sentence lists the names. */
ait_status ait_option_method(const char *option, const char *text, ait_method *method);

/* --math: float32 or tf32. */
ait_status ait_option_math(const char *text, int32_t *math);

/* Opens the device that the options choose. */
ait_status ait_open_device(const char *device, int32_t threads, int32_t math, ait_context **context);

/* Where `device` is auto, one line on stderr: which it came to, and why where that is the CPU. */
void ait_announce_device(const char *device, const ait_context *context);

/* Prints "PROGRAM: the last error's sentence" on stderr and gives the exit status: 2 for
 * AIT_INVALID_ARGUMENT (wrong usage), that of cli/signals.h where it was asked to stop, 1 for everything else, 0 for
 * AIT_OK (nothing is printed). */
int ait_exit_status(ait_status status);

/* Parses a command's arguments. argp answers --help and unknown options itself and exits (status 2);
 * a parser that meets a bad value fails through ait_option_fail. */
ait_status ait_parse_options(const struct argp *argp, int argc, char **argv, const char *command, void *input);

/* The options of the methods, a child of the argp of every command that takes --method. Its input is an
 * ait_method_settings. */
extern const struct argp ait_method_argp;

/* The choices that a method is made of, a child of ait_method_argp. Its input is an ait_method_choices. */
extern const struct argp ait_choice_argp;

/* The options that choose the rows, the classifier, the output and the machine, a child of the argp of every command
 * that works on a data set. Its input is an ait_clean_settings. */
extern const struct argp ait_data_argp;

/* The options of Algorithm 1, but for the method and the seed. Its input is an ait_clean_settings. */
extern const struct argp ait_algorithm_argp;

/* The options that keep validation rows from F. Its input is an ait_clean_settings. */
extern const struct argp ait_aside_argp;

/* Warns on stderr where training and validation rows are easily of different scales and, unless quiet, of what else is
 * odd about them. */
void ait_warn_of_data(const ait_clean_data *data, int32_t quiet);

/* The options of a sweep. Its input is an ait_sweep_lists. */
extern const struct argp ait_sweep_argp;

/* The machine of commands without a data set. The input of the argp child is an ait_machine; `device` is borrowed. */
typedef struct ait_machine {
  const char *device;
  int32_t threads, math;
} ait_machine;

extern const struct argp ait_machine_argp;

/* For parsers: keeps the status for ait_parse_options; its result is what the parser returns. */
error_t ait_option_fail(ait_status status);

/* For parsers: refuses an argument for which a command has no use. */
error_t ait_option_superfluous(const char *command, const char *text);

/* The sub-commands: argv[0] is the command's name. Each returns the exit status. */
int ait_command_clean(int argc, char **argv);
int ait_command_baseline(int argc, char **argv);
int ait_command_compare(int argc, char **argv);
int ait_command_report(int argc, char **argv);
int ait_command_solve(int argc, char **argv);
int ait_command_check(int argc, char **argv);
int ait_command_methods(int argc, char **argv);
int ait_command_info(int argc, char **argv);

#endif
