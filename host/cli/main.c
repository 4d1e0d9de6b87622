/* main.c - the program: finds the sub-command and runs it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ait/status.h"
#include "cli/options.h"
#include "run/json_lines.h"

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"clean", ait_command_clean},     {"baseline", ait_command_baseline}, {"compare", ait_command_compare},
    {"report", ait_command_report},   {"solve", ait_command_solve},       {"check", ait_command_check},
    {"methods", ait_command_methods}, {"info", ait_command_info},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const char documentation[] = "Bi-level optimisation by the augmented iterative trajectory method (" AIT_PRECISION
                                    " precision).\n\n"
                                    "Commands:\n"
                                    "  clean     find mislabelled rows in a data set\n"
                                    "  baseline  rank them by cheap means, for comparison\n"
                                    "  compare   compare methods and cheap means on the same data\n"
                                    "  report    write a page about runs, for a browser\n"
                                    "  solve     solve one of the paper's numerical examples\n"
                                    "  check     compare a hyper-gradient with differences or with a reference case\n"
                                    "  methods   list the methods, their options and what they cost\n"
                                    "  info      show version, devices and libraries\n"
                                    "\v" AIT_PROGRAM
                                    " COMMAND --help explains a command. For a first run:\n\n"
                                    "  " AIT_PROGRAM
                                    " clean --dataset fashion-mnist --out first-run\n\n"
                                    "Exit status: 0 success, 1 the run failed, 2 wrong usage; clean --help has "
                                    "those of a run that is stopped.";

static void print_version(FILE *stream, struct argp_state *state) {
  (void)state;
  fprintf(stream, "%s %s (%s precision)\n", AIT_PROGRAM, ait_version(), AIT_PRECISION);
}

static int run_command(int argc, char **argv) {
  for (int i = 0; i < COMMAND_COUNT; i++) {
    if (strcmp(argv[0], commands[i].name) == 0) {
      return commands[i].run(argc, argv);
    }
  }
  fprintf(stderr,
          "%s: there is no command %s; expected clean, baseline, compare, report, solve, check, methods or info\n",
          AIT_PROGRAM, argv[0]);
  return AIT_EXIT_USAGE;
}

/* The first word that is no option is the command; what follows belongs to it. */
static error_t parse(int key, char *argument, struct argp_state *state) {
  (void)argument;
  switch (key) {
    case ARGP_KEY_ARG: {
      int first = state->next - 1;
      *(int *)state->input = run_command(state->argc - first, state->argv + first);
      state->next = state->argc;
      return 0;
    }
    case ARGP_KEY_NO_ARGS:
      argp_usage(state);
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

/* A result that could not be written is no result. What failed earlier has a reason that errno has long lost. */
static int flush_output(int exit_status) {
  const int failed = ferror(stdout), earlier = ait_json_line_error();
  errno = 0;
  if (fclose(stdout) != 0 || failed) {
    const int reason = earlier != 0 ? earlier : errno;
    fprintf(stderr, "%s: the output could not be written: %s\n", AIT_PROGRAM,
            reason != 0 ? strerror(reason) : "a part of it is lost");
    return exit_status != AIT_EXIT_SUCCESS ? exit_status : AIT_EXIT_FAILED;
  }
  return exit_status;
}

/* Between two parallel regions libgomp's threads spin for milliseconds, which ruins a run on a machine
 * that does anything else besides: with another job on both cores, a small run took 207 s with active
 * waiting and 21 s with this limit. They need not wait longer than the next region takes to come. libgomp reads the
 * limit when it is loaded, so the program sets it and starts again; what the user has set stands. */
static void limit_spinning(char **argv) {
  if (getenv("OMP_WAIT_POLICY") == NULL && getenv("GOMP_SPINCOUNT") == NULL) {
    setenv("GOMP_SPINCOUNT", "2000", 1);
    execv("/proc/self/exe", argv); /* returns only where it fails: then the run is slower, no worse */
  }
}

int main(int argc, char **argv) {
  static char name[] = AIT_PROGRAM;
  limit_spinning(argv);
  const struct argp argp = {.parser = parse, .args_doc = "COMMAND [OPTION...]", .doc = documentation};
  argp_err_exit_status = AIT_EXIT_USAGE;
  argp_program_version_hook = print_version;
  int exit_status = AIT_EXIT_SUCCESS;
  if (argc > 0) {
    argv[0] = name;
  }
  if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &exit_status) != 0) {
    exit_status = AIT_EXIT_USAGE;
  }
  return flush_output(exit_status);
}
