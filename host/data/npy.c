/* npy.c - NumPy's .npy files, read through a memory map and written whole or not at all.
 *
 * A file is the 6 bytes "\x93NUMPY", major and minor version, the header's length (2 bytes in
 * version 1, 4 in versions 2 and 3, little endian), the header, and the numbers. The header is the
 * text of a Python dict, {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "context/error.h"
#include "data/file.h"
#include "data/matrix.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the memory map is used as it is, so the host must be little endian"
#endif

enum { MAGIC_BYTES = 6, AXES_MAX = 32, DTYPE_MAX = 16, LARGEST_SIDE = 1 << 16 };
static const char magic[] = "\x93NUMPY";

/* What a header says. */
typedef struct npy_header {
  char dtype[DTYPE_MAX]; /* '<f8' */
  int fortran_order;
  int axes;
  int64_t shape[AXES_MAX];
} npy_header;

/* ---- the header's text --------------------------------------------------------------------- */

typedef struct npy_text {
  const char *at, *end;
} npy_text;

static void skip_space(npy_text *text) {
  while (text->at < text->end && (*text->at == ' ' || *text->at == '\n' || *text->at == '\t' || *text->at == '\r')) {
    ++text->at;
  }
}

/* Takes `c`, after any space, if it comes next. */
static int accept_char(npy_text *text, char c) {
  skip_space(text);
  if (text->at == text->end || *text->at != c) {
    return 0;
  }
  ++text->at;
  return 1;
}

static int accept_word(npy_text *text, const char *word) {
  size_t length = strlen(word);
  skip_space(text);
  if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) {
    return 0;
  }
  text->at += length;
  return 1;
}

/* A quoted string of printable ASCII without escapes, of less than `size` characters. */
static int parse_string(npy_text *text, char *out, size_t size) {
  char quote = '\'';
  size_t length = 0;
  if (!accept_char(text, quote)) {
    quote = '"';
    if (!accept_char(text, quote)) {
      return 0;
    }
  }
  for (; text->at < text->end && *text->at != quote; ++text->at) {
    if (length + 1 >= size || *text->at < ' ' || *text->at > '~' || *text->at == '\\') {
      return 0;
    }
    out[length++] = *text->at;
  }
  out[length] = '\0';
  return accept_char(text, quote);
}

/* One axis: decimal digits, then the L that Python 2 wrote after long integers. A length over 64
 * bits is kept as INT64_MAX, for which no file is long enough. */
static int parse_axis(npy_text *text, int64_t *axis) {
  int64_t value = 0;
  int digits = 0;
  skip_space(text);
  for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; ++text->at, ++digits) {
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *text->at - '0', &value)) {
      value = INT64_MAX;
    }
  }
  if (text->at < text->end && *text->at == 'L') {
    ++text->at;
  }
  *axis = value;
  return digits > 0;
}

/* A tuple: (), (3,), (3, 4) or (3, 4,). */
static int parse_shape(npy_text *text, npy_header *header) {
  header->axes = 0;
  if (!accept_char(text, '(')) {
    return 0;
  }
  while (!accept_char(text, ')')) {
    if (header->axes == AXES_MAX || !parse_axis(text, &header->shape[header->axes])) {
      return 0;
    }
    ++header->axes;
    if (!accept_char(text, ',')) {
      return header->axes > 1 && accept_char(text, ')');
    }
  }
  return 1;
}

static int parse_order(npy_text *text, npy_header *header) {
  header->fortran_order = accept_word(text, "True");
  return header->fortran_order || accept_word(text, "False");
}

/* The three keys, each once, in any order. */
static int parse_header(npy_text text, npy_header *header) {
  enum { DTYPE = 1, ORDER = 2, SHAPE = 4 };
  int seen = 0;
  if (!accept_char(&text, '{')) {
    return 0;
  }
  while (!accept_char(&text, '}')) {
    char key[16];
    int bit = 0, parsed = 0;
    if (!parse_string(&text, key, sizeof key) || !accept_char(&text, ':')) {
      return 0;
    }
    if (strcmp(key, "descr") == 0) {
      bit = DTYPE;
      parsed = parse_string(&text, header->dtype, sizeof header->dtype);
    } else if (strcmp(key, "fortran_order") == 0) {
      bit = ORDER;
      parsed = parse_order(&text, header);
    } else if (strcmp(key, "shape") == 0) {
      bit = SHAPE;
      parsed = parse_shape(&text, header);
    }
    if (!parsed || (seen & bit) != 0) {
      return 0;
    }
    seen |= bit;
    if (!accept_char(&text, ',')) {
      if (!accept_char(&text, '}')) {
        return 0;
      }
      break;
    }
  }
  skip_space(&text);
  return seen == (DTYPE | ORDER | SHAPE) && text.at == text.end;
}

/* ---- what the header means ----------------------------------------------------------------- */

static const struct {
  const char *code;
  ait_type type;
} dtypes[] = {{"u1", AIT_U8}, {"i4", AIT_I32}, {"i8", AIT_I64}, {"f2", AIT_F16}, {"f4", AIT_F32}, {"f8", AIT_F64}};
enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

/* '<' is little endian, '=' the writer's own order, '|' no order, which only single bytes have. */
static ait_status find_type(const char *path, const char *dtype, ait_type *type) {
  for (int i = 0; i < DTYPES; ++i) {
    int single_byte = ait_type_size(dtypes[i].type) == 1;
    if (dtype[0] != '\0' && strcmp(dtype + 1, dtypes[i].code) == 0) {
      if (dtype[0] == '<' || dtype[0] == '=' || (single_byte && (dtype[0] == '|' || dtype[0] == '>'))) {
        *type = dtypes[i].type;
        return AIT_OK;
      }
      if (dtype[0] == '>') {
        return ait_fail(AIT_BAD_DATA, "%s: holds big endian numbers of dtype '%s'; expected little endian, '<%s'", path,
                        dtype, dtypes[i].code);
      }
    }
  }
  return ait_fail(AIT_BAD_DATA,
                  "%s: holds numbers of dtype '%s'; expected '|u1', '<i4', '<i8', '<f2', '<f4' or '<f8' (convert them "
                  "with NumPy's astype)",
                  path, dtype);
}

/* rows = shape[0], columns = the product of the others; a single number is 1 x 1. */
static ait_status find_extent(const char *path, const npy_header *header, int64_t *rows, int64_t *columns) {
  *rows = header->axes > 0 ? header->shape[0] : 1;
  *columns = 1;
  int empty_row = 0;
  for (int i = 1; i < header->axes; ++i) {
    empty_row |= header->shape[i] == 0;
  }
  if (*rows == 0 || empty_row) {
    return ait_fail(AIT_BAD_DATA, "%s: %s; expected at least one row of at least one number", path,
                    *rows == 0 ? "holds no rows" : "its rows hold no numbers");
  }
  for (int i = 1; i < header->axes; ++i) {
    if (__builtin_mul_overflow(*columns, header->shape[i], columns)) {
      return ait_fail(AIT_BAD_DATA, "%s: the product of its shape's axes is over 64 bits; the header is damaged", path);
    }
  }
  return AIT_OK;
}

static int is_side(int64_t length) {
  return length > 1 && length <= LARGEST_SIDE;
}

static int is_channels(int64_t count) {
  return count == 1 || count == 3 || count == 4;
}

/* Three axes are grey images; four are N x H x W x C, or N x C x H x W. Where neither fits, rows are mere numbers. */
static void find_layout(const npy_header *header, ait_image_layout *layout) {
  const int64_t *shape = header->shape;
  ait_image_layout found = {0};
  if (header->axes == 3) {
    found = (ait_image_layout){.height = shape[1], .width = shape[2], .channels = 1};
  } else if (header->axes == 4 && is_channels(shape[3])) {
    found = (ait_image_layout){.height = shape[1], .width = shape[2], .channels = shape[3]};
  } else if (header->axes == 4 && is_channels(shape[1])) {
    found = (ait_image_layout){.height = shape[2], .width = shape[3], .channels = shape[1], .planar = 1};
  }
  if (is_side(found.height) && is_side(found.width)) {
    *layout = found;
  }
}

/* The numbers fill the file from `offset` to its end. */
static ait_status check_size(const char *path, ait_type type, int64_t rows, int64_t columns, size_t offset,
                             size_t file_bytes) {
  size_t bytes;
  if (!ait_matrix_bytes(type, rows, columns, &bytes)) {
    return ait_fail(AIT_BAD_DATA,
                    "%s: its shape says %" PRId64 " rows of %" PRId64
                    " numbers, more than any memory holds; the header is damaged",
                    path, rows, columns);
  }
  if (file_bytes - offset != bytes) {
    return ait_fail(AIT_BAD_DATA,
                    "%s: %s: holds %zu bytes of numbers; expected %zu for %" PRId64 " rows of %" PRId64 " %s numbers",
                    path, file_bytes - offset < bytes ? "is cut short" : "goes on after its last row",
                    file_bytes - offset, bytes, rows, columns, ait_type_name(type));
  }
  if (offset % ait_type_size(type) != 0) {
    return ait_fail(AIT_BAD_DATA,
                    "%s: its numbers begin at byte %zu, which is no multiple of their %zu bytes; save it again with "
                    "NumPy",
                    path, offset, ait_type_size(type));
  }
  return AIT_OK;
}

/* Finds the header in a file's bytes; *offset is where the numbers begin. */
static ait_status read_header(const char *path, const unsigned char *bytes, size_t size, npy_header *header,
                              size_t *offset) {
  if (size < MAGIC_BYTES || memcmp(bytes, magic, MAGIC_BYTES) != 0) {
    return ait_fail(AIT_BAD_DATA, "%s: is no .npy file; expected one that begins with \\x93NUMPY", path);
  }
  size_t fixed = MAGIC_BYTES + 2 + (size > MAGIC_BYTES && bytes[MAGIC_BYTES] == 1 ? 2 : 4);
  if (size < fixed) {
    return ait_fail(AIT_BAD_DATA, "%s: is cut short: %zu bytes, less than any .npy file has", path, size);
  }
  int major = bytes[MAGIC_BYTES], minor = bytes[MAGIC_BYTES + 1];
  if (major < 1 || major > 3 || minor != 0) {
    return ait_fail(AIT_BAD_DATA, "%s: is of .npy version %d.%d; expected 1.0, 2.0 or 3.0", path, major, minor);
  }
  size_t length = 0;
  for (size_t i = fixed; i-- > MAGIC_BYTES + 2;) {
    length = length << 8 | bytes[i];
  }
  if (length > size - fixed) {
    return ait_fail(AIT_BAD_DATA, "%s: is cut short: its header has %zu bytes, of which %zu are there", path, length,
                    size - fixed);
  }
  npy_text text = {(const char *)bytes + fixed, (const char *)bytes + fixed + length};
  if (!parse_header(text, header)) {
    return ait_fail(AIT_BAD_DATA,
                    "%s: its header cannot be understood; expected {'descr': '<f4', 'fortran_order': False, 'shape': "
                    "(3, 4)} with a plain dtype",
                    path);
  }
  *offset = fixed + length;
  return AIT_OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Maps a whole regular file, read only. */
static ait_status map_file(const char *path, void **map, size_t *size) {
  int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe must not block */
  if (descriptor < 0) {
    return ait_fail(errno == ENOENT || errno == ENOTDIR ? AIT_NOT_FOUND : AIT_IO_ERROR, "%s: cannot be opened: %s",
                    path, strerror(errno));
  }
  struct stat info;
  ait_status status = AIT_OK;
  if (fstat(descriptor, &info) != 0) {
    status = ait_fail(AIT_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
  } else if (!S_ISREG(info.st_mode)) {
    status = ait_fail(AIT_IO_ERROR, "%s: is %s; expected a regular .npy file", path,
                      S_ISDIR(info.st_mode) ? "a folder" : "no regular file");
  } else if (info.st_size == 0) {
    status = ait_fail(AIT_BAD_DATA, "%s: is empty; expected an .npy file", path);
  } else {
    *size = (size_t)info.st_size;
    *map = mmap(NULL, *size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (*map == MAP_FAILED) {
      status = ait_fail(errno == ENOMEM ? AIT_OUT_OF_MEMORY : AIT_IO_ERROR, "%s: cannot be mapped into memory: %s",
                        path, strerror(errno));
    }
  }
  close(descriptor);
  return status;
}

/* What the mapped bytes hold, every claim of the header checked. */
static ait_status examine(const char *path, const void *map, size_t size, ait_matrix *found) {
  npy_header header;
  size_t offset = 0;
  AIT_TRY(read_header(path, map, size, &header, &offset));
  AIT_TRY(find_type(path, header.dtype, &found->type));
  AIT_TRY(find_extent(path, &header, &found->rows, &found->columns));
  if (header.fortran_order) {
    return ait_fail(AIT_BAD_DATA, "%s: is in Fortran order; expected C order (save numpy.ascontiguousarray of it)",
                    path);
  }
  AIT_TRY(check_size(path, found->type, found->rows, found->columns, offset, size));
  found->data = (const char *)map + offset;
  find_layout(&header, &found->layout);
  return AIT_OK;
}

ait_status ait_matrix_open_npy(const char *path, ait_matrix **matrix) {
  void *map = NULL;
  size_t size = 0;
  AIT_TRY(map_file(path, &map, &size));
  ait_matrix found = {.type = AIT_U8};
  ait_status status = examine(path, map, size, &found);
  if (status != AIT_OK) {
    munmap(map, size);
    return status;
  }
  AIT_TRY(ait_matrix_adopt_map(found.type, found.rows, found.columns, found.data, map, size, matrix));
  (*matrix)->layout = found.layout;
  return AIT_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Magic, version, length and header fill 128 bytes, so that the numbers begin on a cache line; no
 * header of one or two axes, or of images, needs more than 95 of the 118 characters. */
enum { HEADER_CHARACTERS = 118 };

/* The axes after the first: " 784", " 28, 28", " 3, 32, 32" or nothing. */
enum { AXES_CHARACTERS = 80 };

static void write_axes(const ait_matrix *matrix, int flat, char axes[AXES_CHARACTERS]) {
  const ait_image_layout *l = &matrix->layout;
  if (flat) {
    axes[0] = '\0';
  } else if (l->height == 0) {
    snprintf(axes, AXES_CHARACTERS, " %" PRId64, matrix->columns);
  } else if (l->channels == 1) {
    snprintf(axes, AXES_CHARACTERS, " %" PRId64 ", %" PRId64, l->height, l->width);
  } else if (l->planar) {
    snprintf(axes, AXES_CHARACTERS, " %" PRId64 ", %" PRId64 ", %" PRId64, l->channels, l->height, l->width);
  } else {
    snprintf(axes, AXES_CHARACTERS, " %" PRId64 ", %" PRId64 ", %" PRId64, l->height, l->width, l->channels);
  }
}

static void write_header(FILE *stream, const ait_matrix *matrix, int flat) {
  static const char start[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER_CHARACTERS, 0};
  const char *dtype = NULL;
  for (int i = 0; i < DTYPES; ++i) {
    if (dtypes[i].type == matrix->type) {
      dtype = dtypes[i].code;
    }
  }
  char axes[AXES_CHARACTERS], text[AXES_CHARACTERS + HEADER_CHARACTERS]; /* room that the compiler can see is enough */
  write_axes(matrix, flat, axes);
  snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (%" PRId64 ",%s), }",
           matrix->type == AIT_U8 ? '|' : '<', dtype, matrix->rows, axes);
  fwrite(start, 1, sizeof start, stream);
  fprintf(stream, "%-*s\n", HEADER_CHARACTERS - 1, text);
}

ait_status ait_matrix_write_npy(const ait_matrix *matrix, int32_t flat, const char *path) {
  ait_file file;
  AIT_TRY(ait_file_begin(&file, path));
  write_header(file.stream, matrix, flat != 0 && matrix->columns == 1);
  size_t row_bytes = (size_t)matrix->columns * ait_type_size(matrix->type);
  size_t stride_bytes = (size_t)matrix->stride * ait_type_size(matrix->type);
  if (row_bytes == stride_bytes) {
    ait_file_write(&file, matrix->data, (size_t)matrix->rows * row_bytes);
  } else {
    for (int64_t i = 0; i < matrix->rows && !ferror(file.stream); ++i) {
      ait_file_write(&file, (const char *)matrix->data + (size_t)i * stride_bytes, row_bytes);
    }
  }
  return ait_file_commit(&file);
}
