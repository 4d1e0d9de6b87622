/* settings.c - every setting of every run, side by side. */
#include <string.h>

#include "report/html.h"
#include "report/page.h"

/* What stands beside "settings" in a document. */
static const char *const beside[] = {"program", "version", "precision", "device", "device_description",
                                     "math",    "threads"};

static int32_t is_beside(const char *key) {
  for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
    if (strcmp(beside[i], key) == 0) {
      return 1;
    }
  }
  return 0;
}

static const cJSON *setting_of(const ait_report_run *run, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(is_beside(key) ? run->document : run->settings, key);
}

static int32_t are_equal(const cJSON *one, const cJSON *other) {
  return one == NULL || cJSON_IsNull(one) ? other == NULL || cJSON_IsNull(other) : cJSON_Compare(one, other, 1);
}

static void write_value(FILE *out, const cJSON *value) {
  if (cJSON_IsString(value)) {
    ait_html_name(out, value->valuestring);
  } else if (cJSON_IsNumber(value)) {
    fprintf(out, "%.10g", value->valuedouble);
  } else if (cJSON_IsBool(value)) {
    fputs(cJSON_IsTrue(value) ? "yes" : "no", out);
  } else {
    fputs("&ndash;", out);
  }
}

/* A setting that no run has is left out; one in which runs differ is marked. */
static void write_setting(const ait_page *page, const char *key) {
  const ait_report_source *source = page->source;
  int32_t given = 0, differs = 0;
  for (int64_t i = 0; i < source->shown; i++) {
    const cJSON *value = setting_of(&source->runs[i], key);
    given = given || (value != NULL && !cJSON_IsNull(value));
    differs = differs || !are_equal(setting_of(&source->runs[0], key), value);
  }
  if (!given) {
    return;
  }
  fprintf(page->out, "<tr%s><th scope=\"row\">", differs ? " class=\"differs\"" : "");
  ait_html_text(page->out, key);
  fprintf(page->out, "%s</th>", differs ? " <span class=\"what\">differs</span>" : "");
  for (int64_t i = 0; i < source->shown; i++) {
    fprintf(page->out, "<td>");
    write_value(page->out, setting_of(&source->runs[i], key));
    fprintf(page->out, "</td>");
  }
  fprintf(page->out, "</tr>\n");
}

/* Nonzero where a run before this one has the setting, whose line then stands already. */
static int32_t was_written(const ait_page *page, int64_t run, const char *key) {
  int32_t found = 0;
  for (int64_t i = 0; i < run; i++) {
    found = found || cJSON_GetObjectItemCaseSensitive(page->source->runs[i].settings, key) != NULL;
  }
  return found;
}

void ait_page_settings(const ait_page *page) {
  const cJSON *setting;
  if (page->source->shown == 0) {
    return;
  }
  ait_page_open(page, "settings", "Settings");
  ait_page_open_table(page, "Settings of the runs", "settings");
  ait_page_head_of_runs(page, "Setting", page->source->shown);
  for (int64_t i = 0; i < page->source->shown; i++) {
    cJSON_ArrayForEach(setting, page->source->runs[i].settings) {
      if (!was_written(page, i, setting->string)) {
        write_setting(page, setting->string);
      }
    }
  }
  for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
    write_setting(page, beside[i]);
  }
  fprintf(page->out, "</tbody>\n");
  ait_page_close_table(page);
  ait_page_close(page);
}
