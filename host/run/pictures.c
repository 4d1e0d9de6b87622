/* pictures.c - small pictures of the most suspect rows, where rows are images. */
#include "run/pictures.h"

#include <math.h>
#include <stdlib.h>

#include "context/error.h"
#include "data/matrix.h"

/* The pictures being made. A pixel of them is the mean of factor x factor pixels of the row, fewer at the edges. */
typedef struct sheet {
  const ait_matrix *rows;
  int64_t count, factor, height, width, channels;
  double low, high; /* become 0 and 255 */
  uint8_t *pixels;  /* count x height x width x channels */
} sheet;

static int64_t parts(int64_t length, int64_t size) {
  return (length + size - 1) / size;
}

/* An alpha channel is left out. */
static sheet lay_out(const ait_suspects *s) {
  const ait_image_layout *l = &s->data->train->layout;
  const int64_t longest = l->height > l->width ? l->height : l->width;
  sheet made = {.rows = s->data->train, .factor = parts(longest, AIT_PICTURE_SIDE)};
  made.count = s->written < AIT_PICTURES ? s->written : AIT_PICTURES;
  made.height = parts(l->height, made.factor);
  made.width = parts(l->width, made.factor);
  made.channels = l->channels == 1 ? 1 : 3;
  return made;
}

static double value_of(const sheet *p, int64_t row, int64_t i, int64_t j, int64_t channel) {
  const ait_image_layout *l = &p->rows->layout;
  const int64_t column =
      l->planar ? (channel * l->height + i) * l->width + j : (i * l->width + j) * l->channels + channel;
  return ait_matrix_value(p->rows, row, column);
}

/* Pixels from 0 to 1 stay what they are. */
static void find_range(sheet *p, const int64_t *order) {
  const int64_t columns = ait_matrix_columns(p->rows);
  p->low = 0;
  p->high = 1;
  for (int64_t k = 0; k < p->count; k++) {
    for (int64_t j = 0; j < columns; j++) {
      const double value = ait_matrix_value(p->rows, order[k], j);
      p->low = fmin(p->low, value);
      p->high = fmax(p->high, value);
    }
  }
}

/* The mean over the pixels of the row that pixel (i, j) of the picture stands for. */
static double average(const sheet *p, int64_t row, int64_t i, int64_t j, int64_t channel) {
  const ait_image_layout *l = &p->rows->layout;
  double sum = 0;
  int64_t count = 0;
  for (int64_t a = i * p->factor; a < (i + 1) * p->factor && a < l->height; a++) {
    for (int64_t b = j * p->factor; b < (j + 1) * p->factor && b < l->width; b++) {
      sum += value_of(p, row, a, b, channel);
      count++;
    }
  }
  return sum / (double)count;
}

static void draw(const sheet *p, const int64_t *order) {
  uint8_t *pixel = p->pixels;
  for (int64_t k = 0; k < p->count; k++) {
    for (int64_t i = 0; i < p->height; i++) {
      for (int64_t j = 0; j < p->width; j++) {
        for (int64_t channel = 0; channel < p->channels; channel++) {
          const double share = (average(p, order[k], i, j, channel) - p->low) / (p->high - p->low);
          *pixel++ = (uint8_t)lround(255 * fmin(fmax(share, 0), 1));
        }
      }
    }
  }
}

static ait_status write_sheet(const sheet *p, const ait_folder *folder) {
  char path[PATH_MAX];
  AIT_TRY(ait_folder_path(folder, "suspect_images.npy", path));
  ait_matrix *view;
  const int64_t columns = p->height * p->width * p->channels;
  AIT_TRY(ait_matrix_view(AIT_U8, p->count, columns, columns, p->pixels, &view));
  view->layout = (ait_image_layout){.height = p->height, .width = p->width, .channels = p->channels};
  const ait_status status = ait_matrix_write_npy(view, 0, path);
  ait_matrix_destroy(view);
  return status;
}

ait_status ait_pictures_write(const ait_suspects *s, const ait_folder *folder) {
  if (s->data->train->layout.height == 0) {
    return AIT_OK;
  }
  sheet p = lay_out(s);
  if (p.height < 2 || p.width < 2) {
    return AIT_OK;
  }
  p.pixels = malloc((size_t)(p.count * p.height * p.width * p.channels));
  if (p.pixels == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for pictures of %lld rows", (long long)p.count);
  }
  find_range(&p, s->order);
  draw(&p, s->order);
  const ait_status status = write_sheet(&p, folder);
  free(p.pixels);
  return status;
}
