/* options.c - what the sub-commands share: parsing of values, and how a command ends. */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/signals.h"
#include "context/error.h"
#include "run/settings.h"
#include "solver/access.h"

static ait_status parse_status = AIT_OK; /* of the parse under way */

ait_status ait_option_whole(const char *option, const char *text, int64_t least, int64_t *value) {
  char *end;
  errno = 0;
  long long parsed = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || parsed < least) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a whole number, %lld or more", option, text,
                    (long long)least);
  }
  *value = parsed;
  return AIT_OK;
}

ait_status ait_option_int(const char *option, const char *text, int32_t least, int32_t *value) {
  int64_t parsed;
  AIT_TRY(ait_option_whole(option, text, least, &parsed));
  if (parsed > INT32_MAX) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected at most %d", option, text, INT32_MAX);
  }
  *value = (int32_t)parsed;
  return AIT_OK;
}

ait_status ait_option_steps(const char *option, const char *text, int64_t *value) {
  AIT_TRY(ait_option_whole(option, text, 1, value));
  return *value < INT32_MAX ? AIT_OK
                            : ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected at most %d", option, text, INT32_MAX - 1);
}

ait_status ait_option_seed(const char *option, const char *text, uint64_t *value) {
  char *end;
  errno = 0;
  unsigned long long parsed = strtoull(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || strchr(text, '-') != NULL) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a whole number from 0 to 18446744073709551615", option,
                    text);
  }
  *value = parsed;
  return AIT_OK;
}

/* Reads the digits at *text and moves behind them; zero where there are none or too many. */
static int take_seed(const char **text, uint64_t *value) {
  char *end;
  errno = 0;
  *value = strtoull(*text, &end, 10);
  const int taken = isdigit((unsigned char)**text) && errno == 0;
  *text = end;
  return taken;
}

/* Reads "7" or "3..9" at *text and moves behind it; zero where neither stands there. */
static int take_range(const char **text, uint64_t *first, uint64_t *last) {
  if (!take_seed(text, first)) {
    return 0;
  }
  *last = *first;
  if (strncmp(*text, "..", 2) == 0) {
    *text += 2;
    return take_seed(text, last) && *last >= *first;
  }
  return 1;
}

static ait_status append_seed(const char *option, const char *text, uint64_t seed, uint64_t *seeds, int64_t *count) {
  for (int64_t i = 0; i < *count; i++) {
    if (seeds[i] == seed) {
      return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: seed %llu stands there twice", option, text,
                      (unsigned long long)seed);
    }
  }
  if (*count == AIT_OPTION_MOST_SEEDS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected at most %d seeds", option, text, AIT_OPTION_MOST_SEEDS);
  }
  seeds[(*count)++] = seed;
  return AIT_OK;
}

static ait_status parse_seeds(const char *option, const char *text, uint64_t *seeds, int64_t *count) {
  const char *rest = text;
  for (*count = 0;; rest++) {
    uint64_t first, last;
    if (!take_range(&rest, &first, &last) || (*rest != ',' && *rest != '\0')) {
      return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected seeds such as 0..9 or 0,3,5", option, text);
    }
    AIT_TRY(append_seed(option, text, first, seeds, count));
    while (first != last) {
      AIT_TRY(append_seed(option, text, ++first, seeds, count));
    }
    if (*rest == '\0') {
      return AIT_OK;
    }
  }
}

ait_status ait_option_seeds(const char *option, const char *text, uint64_t **seeds, int64_t *count) {
  *seeds = malloc(AIT_OPTION_MOST_SEEDS * sizeof **seeds);
  if (*seeds == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a list of seeds");
  }
  ait_status status = parse_seeds(option, text, *seeds, count);
  if (status != AIT_OK) {
    free(*seeds);
    *seeds = NULL;
  }
  return status;
}

static int parse_finite(const char *text, double *value) {
  char *end;
  *value = strtod(text, &end);
  return end != text && *end == '\0' && isfinite(*value);
}

ait_status ait_option_number(const char *option, const char *text, double *value) {
  return parse_finite(text, value) ? AIT_OK
                                   : ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a finite number", option, text);
}

ait_status ait_option_positive(const char *option, const char *text, double *value) {
  return parse_finite(text, value) && *value > 0
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a number above 0", option, text);
}

ait_status ait_option_part(const char *option, const char *text, double *value) {
  return parse_finite(text, value) && *value > 0 && *value <= 1
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a number above 0 and at most 1", option, text);
}

ait_status ait_option_difference(const char *option, const char *text, double *value) {
  AIT_TRY(ait_option_positive(option, text, value));
  return *value >= ait_least_difference_epsilon()
             ? AIT_OK
             : ait_fail(
                   AIT_INVALID_ARGUMENT,
                   "%s %s: expected %.2g or more, since numbers around 1 are no closer to each other in " AIT_PRECISION
                   " precision",
                   option, text, ait_least_difference_epsilon());
}

ait_status ait_option_share(const char *option, const char *text, double *value) {
  return parse_finite(text, value) && *value >= 0 && *value <= 1
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a number from 0 to 1", option, text);
}

ait_status ait_option_fraction(const char *option, const char *text, double *value) {
  return parse_finite(text, value) && *value >= 0 && *value < 1
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a number from 0 up and below 1", option, text);
}

ait_status ait_option_not_negative(const char *option, const char *text, double *value) {
  return parse_finite(text, value) && *value >= 0
             ? AIT_OK
             : ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a number from 0 up", option, text);
}

ait_status ait_option_bytes(const char *option, const char *text, int64_t *bytes) {
  static const char units[] = "KMG";
  const double most = (double)(1LL << 60);
  const size_t digits = strspn(text, "0123456789.");
  char *end;
  double value = strtod(text, &end);
  if (*end != '\0' && strchr(units, *end) != NULL) {
    value *= (double)(1LL << (10 * (strchr(units, *end) - units + 1)));
    end += 1;
  }
  if (digits == 0 || *end != '\0' || (text[digits] != '\0' && end != text + digits + 1) ||
      !(value >= 1 && value <= most)) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a number of bytes such as 500000000, 512M or 1.5G", option,
                    text);
  }
  *bytes = (int64_t)value;
  return AIT_OK;
}

ait_status ait_option_rate(const char *option, const char *text, int32_t *automatic, double *value) {
  *automatic = strcmp(text, "auto") == 0;
  if (*automatic || (parse_finite(text, value) && *value > 0)) {
    return AIT_OK;
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected a number above 0, or auto", option, text);
}

/* "a, b or c" */
static void join_words(const char *const *words, char *joined, size_t size) {
  size_t used = 0;
  joined[0] = '\0';
  for (int i = 0; words[i] != NULL; i++) {
    const char *separator = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";
    int length = snprintf(joined + used, size - used, "%s%s", separator, words[i]);
    used += (size_t)length < size - used ? (size_t)length : size - used - 1;
  }
}

ait_status ait_option_choice(const char *option, const char *text, const char *const *words, int32_t *choice) {
  for (int32_t i = 0; words[i] != NULL; i++) {
    if (strcmp(text, words[i]) == 0) {
      *choice = i;
      return AIT_OK;
    }
  }
  char joined[256];
  join_words(words, joined, sizeof joined);
  return ait_fail(AIT_INVALID_ARGUMENT, "%s %s: expected %s", option, text, joined);
}

ait_status ait_option_method(const char *option, const char *text, ait_method *method) {
  enum { MOST_NAMES = 31 };
  const char *names[MOST_NAMES + 1];
  int32_t count = 0;
  while (count < MOST_NAMES && ait_method_name(count) != NULL) {
    names[count] = ait_method_name(count);
    count++;
  }
  names[count] = NULL;
  int32_t choice;
  AIT_TRY(ait_option_choice(option, text, names, &choice));
  return ait_method_by_name(text, method);
}

ait_status ait_option_math(const char *text, int32_t *math) {
  return ait_option_choice("--math", text, ait_math_words, math);
}

ait_status ait_open_device(const char *device, int32_t threads, int32_t math, ait_context **context) {
  ait_context_options options;
  ait_context_options_init(&options);
  options.device = device;
  options.threads = threads;
  options.math = (ait_math)math;
  return ait_context_create(&options, context);
}

void ait_announce_device(const char *device, const ait_context *context) {
  const char *note = ait_context_note(context);
  if (strcmp(device, "auto") == 0) {
    fprintf(stderr, "device %s: %s%s%s%s\n", ait_context_device(context), ait_context_description(context),
            note[0] != '\0' ? " (" : "", note, note[0] != '\0' ? ")" : "");
  }
}

int ait_exit_status(ait_status status) {
  if (status == AIT_OK) {
    return AIT_EXIT_SUCCESS;
  }
  fprintf(stderr, "%s: %s\n", AIT_PROGRAM, ait_last_error());
  if (status == AIT_STOPPED && ait_stop_asked) {
    return ait_stop_status();
  }
  return status == AIT_INVALID_ARGUMENT ? AIT_EXIT_USAGE : AIT_EXIT_FAILED;
}

error_t ait_option_fail(ait_status status) {
  parse_status = status;
  return status == AIT_OK ? 0 : EINVAL;
}

error_t ait_option_superfluous(const char *command, const char *text) {
  return ait_option_fail(ait_fail(AIT_INVALID_ARGUMENT, "%s: %s is one argument too many", command, text));
}

ait_status ait_parse_options(const struct argp *argp, int argc, char **argv, const char *command, void *input) {
  static char name[64]; /* argp and getopt keep argv[0] */
  snprintf(name, sizeof name, "%s %s", AIT_PROGRAM, command);
  argv[0] = name; /* what argp's messages and usage lines begin with */
  parse_status = AIT_OK;
  error_t error = argp_parse(argp, argc, argv, 0, NULL, input);
  if (error != 0 && parse_status == AIT_OK) {
    return ait_fail(AIT_INVALID_ARGUMENT, "%s: %s", name, strerror(error));
  }
  return parse_status;
}
