/* test_matrix.cc - views, values in every type, gather, scale and shift, the finite check. */
#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "ait/matrix.h"
#include "data_support.h"

extern "C" {
#include "data/half.h"
}

namespace {

const double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

Matrix View(ait_type type, int64_t rows, int64_t columns, int64_t stride, const void *data) {
  ait_matrix *matrix = nullptr;
  EXPECT_EQ(ait_matrix_view(type, rows, columns, stride, data, &matrix), AIT_OK) << ait_last_error();
  return Matrix(matrix);
}

/* ---- types and halves ---------------------------------------------------------------------- */

TEST(Type, SizesAndNames) {
  EXPECT_EQ(ait_type_size(AIT_U8), sizeof(uint8_t));
  EXPECT_EQ(ait_type_size(AIT_I32), sizeof(int32_t));
  EXPECT_EQ(ait_type_size(AIT_I64), sizeof(int64_t));
  EXPECT_EQ(ait_type_size(AIT_F16), sizeof(uint16_t));
  EXPECT_EQ(ait_type_size(AIT_F32), sizeof(float));
  EXPECT_EQ(ait_type_size(AIT_F64), sizeof(double));
  EXPECT_EQ(ait_type_size(AIT_TYPE_COUNT), 0u);
  EXPECT_STREQ(ait_type_name(AIT_F16), "f16");
  EXPECT_STREQ(ait_type_name(AIT_U8), "u8");
}

/* The value of a half by its definition: sign, 5 bits of exponent (bias 15), 10 of fraction. */
double HalfByDefinition(uint32_t half) {
  int exponent = (half >> 10) & 31;
  double fraction = (half & 1023) / 1024.0;
  double sign = half >> 15 ? -1.0 : 1.0;
  if (exponent == 31) {
    return fraction == 0 ? sign * kInfinity : kNan;
  }
  return sign * (exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15));
}

TEST(Half, EveryValue) {
  for (uint32_t half = 0; half < 65536; ++half) {
    double expected = HalfByDefinition(half);
    float value = ait_half_to_float(static_cast<uint16_t>(half));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << half;
    } else {
      EXPECT_EQ(value, expected) << half;
      EXPECT_EQ(std::signbit(value), std::signbit(expected)) << half;
    }
  }
}

/* ---- views --------------------------------------------------------------------------------- */

TEST(MatrixView, BorrowsAndKeepsShape) {
  float data[] = {1, 2, 3, -1, 4, 5, 6, -1};
  Matrix matrix = View(AIT_F32, 2, 3, 4, data);
  EXPECT_EQ(ait_matrix_type(matrix.get()), AIT_F32);
  EXPECT_EQ(ait_matrix_rows(matrix.get()), 2);
  EXPECT_EQ(ait_matrix_columns(matrix.get()), 3);
  EXPECT_EQ(ait_matrix_stride(matrix.get()), 4);
  EXPECT_EQ(ait_matrix_data(matrix.get()), data);
  EXPECT_EQ(ait_matrix_scale(matrix.get()), nullptr);
  EXPECT_EQ(ait_matrix_shift(matrix.get()), nullptr);
  EXPECT_EQ(ait_matrix_value(matrix.get(), 1, 2), 6.0);
  data[6] = 7;
  EXPECT_EQ(ait_matrix_value(matrix.get(), 1, 2), 7.0);
}

template <typename T>
void ExpectValues(ait_type type, std::vector<T> stored, std::vector<double> expected) {
  Matrix matrix = View(type, 2, 2, 2, stored.data());
  for (int k = 0; k < 4; ++k) {
    EXPECT_EQ(ait_matrix_value(matrix.get(), k / 2, k % 2), expected[k]) << ait_type_name(type);
  }
}

TEST(MatrixView, ValuesOfEveryType) {
  ExpectValues<uint8_t>(AIT_U8, {0, 1, 128, 255}, {0, 1, 128, 255});
  ExpectValues<int32_t>(AIT_I32, {0, -1, INT32_MIN, INT32_MAX}, {0, -1, -2147483648.0, 2147483647.0});
  ExpectValues<int64_t>(AIT_I64, {0, -1, int64_t{1} << 52, INT64_MIN}, {0, -1, 0x1p52, -0x1p63});
  ExpectValues<uint16_t>(AIT_F16, {0x3c00, 0xc000, 0x7bff, 0x0001}, {1, -2, 65504, 0x1p-24});
  ExpectValues<float>(AIT_F32, {0.1f, -2, FLT_MAX, FLT_MIN}, {double(0.1f), -2, FLT_MAX, FLT_MIN});
  ExpectValues<double>(AIT_F64, {0.1, -2, DBL_MAX, DBL_MIN}, {0.1, -2, DBL_MAX, DBL_MIN});
}

TEST(MatrixView, RefusesBadShapes) {
  float data[4] = {};
  ait_matrix *matrix = nullptr;
  EXPECT_EQ(ait_matrix_view(AIT_TYPE_COUNT, 2, 2, 2, data, &matrix), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_matrix_view(AIT_F32, -1, 2, 2, data, &matrix), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_matrix_view(AIT_F32, 2, 0, 2, data, &matrix), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_matrix_view(AIT_F32, 2, 2, 1, data, &matrix), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("stride 1"));
  EXPECT_EQ(ait_matrix_view(AIT_F32, 2, 2, 2, nullptr, &matrix), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_matrix_view(AIT_F32, INT64_MAX, 2, 2, data, &matrix), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_matrix_view(AIT_F64, int64_t{1} << 61, 1, 1, data, &matrix), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(matrix, nullptr);
}

TEST(MatrixView, NoRowsAreAllowed) {
  Matrix matrix = View(AIT_F32, 0, 3, 3, nullptr);
  EXPECT_EQ(ait_matrix_rows(matrix.get()), 0);
  EXPECT_EQ(ait_matrix_check_finite(matrix.get(), "none"), AIT_OK);
}

/* ---- scale and shift ----------------------------------------------------------------------- */

TEST(MatrixScale, IsAppliedPerColumnAndCopied) {
  uint8_t data[] = {10, 20, 30, 40};
  Matrix matrix = View(AIT_U8, 2, 2, 2, data);
  double scale[] = {0.5, -2}, shift[] = {1, 3};
  ASSERT_EQ(ait_matrix_set_scale(matrix.get(), scale, shift), AIT_OK);
  scale[0] = shift[0] = 99;
  EXPECT_EQ(ait_matrix_value(matrix.get(), 0, 0), 6.0);
  EXPECT_EQ(ait_matrix_value(matrix.get(), 1, 1), -77.0);
  EXPECT_EQ(ait_matrix_scale(matrix.get())[0], 0.5);
  ASSERT_EQ(ait_matrix_set_scale(matrix.get(), nullptr, shift), AIT_OK);
  EXPECT_EQ(ait_matrix_scale(matrix.get()), nullptr);
  EXPECT_EQ(ait_matrix_value(matrix.get(), 0, 1), 23.0);
}

TEST(MatrixScale, NotFiniteIsRefusedAndChangesNothing) {
  uint8_t data[] = {10, 20};
  Matrix matrix = View(AIT_U8, 1, 2, 2, data);
  double good[] = {2, 3}, bad[] = {1, kNan}, worse[] = {kInfinity, 1};
  ASSERT_EQ(ait_matrix_set_scale(matrix.get(), good, nullptr), AIT_OK);
  EXPECT_EQ(ait_matrix_set_scale(matrix.get(), good, bad), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("shift of column 1"));
  EXPECT_EQ(ait_matrix_set_scale(matrix.get(), worse, good), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("scale of column 0"));
  EXPECT_EQ(ait_matrix_value(matrix.get(), 0, 1), 60.0);
}

/* ---- gather -------------------------------------------------------------------------------- */

TEST(MatrixGather, CopiesRowsWithTypeAndScale) {
  int32_t data[] = {1, 2, -9, 3, 4, -9, 5, 6, -9};
  Matrix matrix = View(AIT_I32, 3, 2, 3, data);
  double scale[] = {10, 100}, shift[] = {1, 2};
  ASSERT_EQ(ait_matrix_set_scale(matrix.get(), scale, shift), AIT_OK);
  const int64_t rows[] = {2, 0, 2, 1};
  ait_matrix *out = nullptr;
  ASSERT_EQ(ait_matrix_gather(matrix.get(), 4, rows, &out), AIT_OK) << ait_last_error();
  Matrix gathered(out);
  data[0] = 77; /* a copy does not see this */
  const int32_t expected[] = {5, 6, 1, 2, 5, 6, 3, 4};
  EXPECT_EQ(std::memcmp(ait_matrix_data(out), expected, sizeof expected), 0);
  EXPECT_EQ(ait_matrix_type(out), AIT_I32);
  EXPECT_EQ(ait_matrix_stride(out), 2);
  EXPECT_EQ(ait_matrix_value(out, 3, 1), 402.0);
  matrix.reset();
  EXPECT_EQ(ait_matrix_value(out, 0, 0), 51.0);
}

TEST(MatrixGather, NothingAndOutside) {
  float data[] = {1, 2};
  Matrix matrix = View(AIT_F32, 2, 1, 1, data);
  ait_matrix *out = nullptr;
  ASSERT_EQ(ait_matrix_gather(matrix.get(), 0, nullptr, &out), AIT_OK);
  EXPECT_EQ(ait_matrix_rows(out), 0);
  ait_matrix_destroy(out);
  out = nullptr;
  const int64_t above[] = {1, 2}, below[] = {-1};
  EXPECT_EQ(ait_matrix_gather(matrix.get(), 2, above, &out), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("entry 1 of the rows to gather is 2"));
  EXPECT_EQ(ait_matrix_gather(matrix.get(), 1, below, &out), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_matrix_gather(matrix.get(), -1, below, &out), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(out, nullptr);
}

/* ---- finite check -------------------------------------------------------------------------- */

/* Puts each bad value at each place of a matrix, whose padding holds NaN throughout, and expects
 * exactly that place to be named; a second bad value after it changes nothing. */
template <typename T>
void ExpectPlacesNamed(ait_type type, T good, T nan, std::vector<T> bad_values) {
  for (int64_t columns : {1, 3, 33}) {
    const int64_t rows = 5, stride = columns + 2;
    std::vector<T> data(rows * stride, nan);
    for (int64_t k = 0; k < rows * columns; ++k) {
      data[k / columns * stride + k % columns] = good;
    }
    Matrix matrix = View(type, rows, columns, stride, data.data());
    EXPECT_EQ(ait_matrix_check_finite(matrix.get(), "good"), AIT_OK) << ait_last_error();
    for (T bad : bad_values) {
      data[(rows - 1) * stride + columns - 1] = nan;
      for (int64_t k = 0; k < rows * columns; ++k) {
        T &place = data[k / columns * stride + k % columns];
        place = bad;
        EXPECT_EQ(ait_matrix_check_finite(matrix.get(), "some/file.npy"), AIT_BAD_DATA);
        EXPECT_TRUE(Says("some/file.npy: row " + std::to_string(k / columns) + ", column " +
                         std::to_string(k % columns) + " "));
        place = good;
      }
    }
  }
}

TEST(MatrixFinite, NamesTheFirstPlace) {
  const float infinity = std::numeric_limits<float>::infinity();
  ExpectPlacesNamed<uint16_t>(AIT_F16, 0x7bff, 0x7e00, {0x7e00, 0x7c00, 0xfc00, 0x7c01});
  ExpectPlacesNamed<float>(AIT_F32, FLT_MAX, std::nanf(""), {std::nanf(""), infinity, -infinity});
  ExpectPlacesNamed<double>(AIT_F64, FLT_MAX, kNan, {kNan, kInfinity, -kInfinity});
}

/* Large enough for several threads: each finds a bad row, the first of all is named. */
TEST(MatrixFinite, NamesTheFirstOfManyThreads) {
  const int64_t rows = 5000, columns = 128;
  std::vector<float> data(rows * columns, 1.0f);
  Matrix matrix = View(AIT_F32, rows, columns, columns, data.data());
  EXPECT_EQ(ait_matrix_check_finite(matrix.get(), "large"), AIT_OK);
  for (int64_t row : {4999, 2500, 2499, 1}) {
    data[row * columns + row % columns] = std::nanf("");
    EXPECT_EQ(ait_matrix_check_finite(matrix.get(), "large"), AIT_BAD_DATA);
    EXPECT_TRUE(Says("row " + std::to_string(row) + ", column " + std::to_string(row % columns) + " "));
  }
}

/* A double that the library's own precision cannot hold would be infinite on the device. */
TEST(MatrixFinite, DoublesMustFitThePrecision) {
  double data[] = {0, -1e300};
  Matrix matrix = View(AIT_F64, 2, 1, 1, data);
  bool fits = sizeof(ait_real) == sizeof(double);
  EXPECT_EQ(ait_matrix_check_finite(matrix.get(), "wide"), fits ? AIT_OK : AIT_BAD_DATA);
  EXPECT_TRUE(fits || Says("wide: row 1, column 0 (counted from 0) is -1e+300, too large for single precision"));
}

TEST(MatrixFinite, IntegersAreAlwaysFinite) {
  std::vector<int64_t> data(4, -1); /* as floating point, all bits set is NaN */
  for (ait_type type : {AIT_U8, AIT_I32, AIT_I64}) {
    EXPECT_EQ(ait_matrix_check_finite(View(type, 2, 2, 2, data.data()).get(), "integers"), AIT_OK);
  }
}

}  // namespace
