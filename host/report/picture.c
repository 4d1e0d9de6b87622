/* picture.c - a picture as a PNG image inside a page. */
#include "report/picture.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"
#include "data/matrix.h"
#include "report/html.h"

static ait_status encode(png_image *image, const uint8_t *pixels, void **bytes, png_alloc_size_t *size) {
  *size = PNG_IMAGE_PNG_SIZE_MAX(*image);
  *bytes = malloc(*size);
  if (*bytes == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a picture of %zu bytes", (size_t)*size);
  }
  return png_image_write_to_memory(image, *bytes, size, 0, pixels, 0, NULL)
             ? AIT_OK
             : ait_fail(AIT_OUT_OF_MEMORY, "libpng cannot write a picture: %s", image->message);
}

static png_image describe(const ait_matrix *pictures) {
  const ait_image_layout *l = &pictures->layout;
  return (png_image){.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)l->width,
                     .height = (png_uint_32)l->height,
                     .format = l->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
}

ait_status ait_picture_write(const ait_matrix *pictures, int64_t i, FILE *out) {
  png_image image = describe(pictures);
  void *bytes;
  png_alloc_size_t size;
  const ait_status status = encode(&image, (const uint8_t *)pictures->data + i * pictures->stride, &bytes, &size);
  if (status == AIT_OK) {
    ait_html_data_uri(out, "image/png", size, bytes);
  }
  free(bytes);
  return status;
}

/* Base64 makes four characters of three bytes. */
int64_t ait_picture_most_bytes(const ait_matrix *pictures) {
  const png_image image = describe(pictures);
  return (int64_t)strlen("data:image/png;base64,") + 4 * ((int64_t)PNG_IMAGE_PNG_SIZE_MAX(image) / 3 + 1);
}
