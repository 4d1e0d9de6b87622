// test_device_model.cc - conformance of the model operations other than the data pass.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <numeric>

#include "device_cases.h"

namespace device_tests {
namespace {

class ModelTest : public testing::TestWithParam<DeviceCase> {};
INSTANTIATE_TEST_SUITE_P(Devices, ModelTest, testing::ValuesIn(Devices()), CaseName);

using Doubles = std::vector<double>;

// ---- gemm -----------------------------------------------------------------------------------------

struct Product {
  int32_t transpose_a, transpose_b;
  int64_t m, n, k, pad;  // pad: entries between the end of a row and the next
  double alpha, beta;
  int64_t batch = 1, gap = 0;  // gap: entries between two matrices of a batch
  bool shared_a = false, shared_b = false;
};

// A batch of matrices with entries between rows and between matrices; a shared one is there once.
struct Operand {
  Operand(const Product &p, int64_t rows, int64_t columns, bool shared)
      : ld(columns + p.pad),
        stride(shared ? 0 : rows * ld + p.gap),
        size((shared ? 1 : p.batch) * (rows * ld + p.gap)) {}
  int64_t ld, stride, size;
};

// Checks a batch of products against a triple loop. Entries of c that lie between the rows or between the
// matrices must stay.
void CheckGemm(Device &device, const Product &p) {
  const Operand for_a = p.transpose_a ? Operand(p, p.k, p.m, p.shared_a) : Operand(p, p.m, p.k, p.shared_a);
  const Operand for_b = p.transpose_b ? Operand(p, p.n, p.k, p.shared_b) : Operand(p, p.k, p.n, p.shared_b);
  const Operand for_c(p, p.m, p.n, false);
  const Reals a = RandomReals(41, for_a.size), b = RandomReals(42, for_b.size);
  const Reals before = p.beta == 0 ? Reals(static_cast<size_t>(for_c.size), kNan) : RandomReals(43, for_c.size);
  Buffer<ait_real> device_a(device, a), device_b(device, b), device_c(device, before);
  const ait_gemm gemm = {p.transpose_a,
                         p.transpose_b,
                         p.m,
                         p.n,
                         p.k,
                         p.alpha,
                         device_a.get(),
                         for_a.ld,
                         device_b.get(),
                         for_b.ld,
                         p.beta,
                         device_c.get(),
                         for_c.ld,
                         p.batch,
                         for_a.stride,
                         for_b.stride,
                         for_c.stride};
  ASSERT_EQ(AIT_OK, device->model->gemm(device.get(), &gemm)) << ait_last_error();
  const Reals after = device_c.Host();
  for (int64_t at = 0; at < for_c.size; ++at) {
    const int64_t i = for_c.stride == 0 ? 0 : at / for_c.stride, row = at % for_c.stride / for_c.ld,
                  column = at % for_c.stride % for_c.ld;
    if (row >= p.m || column >= p.n) {
      ASSERT_TRUE(SameBits(Reals{before[at]}, Reals{after[at]})) << "between rows or matrices, " << at;
      continue;
    }
    double sum = 0, size = 0;
    for (int64_t l = 0; l < p.k; ++l) {
      const int64_t place_a = i * for_a.stride + (p.transpose_a ? l * for_a.ld + row : row * for_a.ld + l);
      const int64_t place_b = i * for_b.stride + (p.transpose_b ? column * for_b.ld + l : l * for_b.ld + column);
      const double term = static_cast<double>(a[place_a]) * static_cast<double>(b[place_b]);
      sum += term;
      size += std::fabs(term);
    }
    const double old = p.beta == 0 ? 0 : p.beta * static_cast<double>(before[at]);
    const double tolerance =
        (4 + std::sqrt(static_cast<double>(p.k))) * kEpsilon * (std::fabs(p.alpha) * size + std::fabs(old));
    ASSERT_LE(std::fabs(static_cast<double>(after[at]) - (p.alpha * sum + old)), tolerance)
        << "product " << i << ", entry " << row << ", " << column;
  }
}

TEST_P(ModelTest, GemmMatchesATripleLoop) {
  AIT_OPEN_DEVICE(device, GetParam());
  const int64_t sizes[][3] = {{1, 1, 1},     {3, 5, 2},    {33, 31, 32}, {257, 10, 70},
                              {10, 257, 70}, {300, 64, 7}, {5, 5, 0}};
  for (const auto &size : sizes) {
    for (int transposes = 0; transposes < 4; ++transposes) {
      for (int64_t pad : {0, 3}) {
        SCOPED_TRACE(testing::Message() << size[0] << " x " << size[1] << " x " << size[2] << ", transposes "
                                        << transposes << ", pad " << pad);
        CheckGemm(device, {transposes & 1, transposes >> 1, size[0], size[1], size[2], pad, 1, 0});
        CheckGemm(device, {transposes & 1, transposes >> 1, size[0], size[1], size[2], pad, -0.5, 2});
      }
    }
  }
}

TEST_P(ModelTest, GemmOfABatchMatchesATripleLoop) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t batch : {1, 3}) {
    for (int64_t k : {0, 20, 150}) {
      for (int choice = 0; choice < 16; ++choice) {
        SCOPED_TRACE(testing::Message() << "batch " << batch << ", k " << k << ", choice " << choice);
        const int64_t pad = choice & 4 ? 3 : 0, gap = choice & 8 ? 5 : 0;
        Product product = {choice & 1, choice >> 1 & 1, 33, 7, k, pad, -0.5, choice & 4 ? 2.0 : 0.0, batch, gap};
        CheckGemm(device, product);
        product.shared_a = true;
        CheckGemm(device, product);
        product.shared_b = true;
        CheckGemm(device, product);
      }
    }
  }
}

TEST_P(ModelTest, GemmOfNothingDoesNothing) {
  AIT_OPEN_DEVICE(device, GetParam());
  CheckGemm(device, {0, 0, 0, 5, 3, 1, 1, 0});
  CheckGemm(device, {0, 1, 5, 0, 3, 1, 1, 1});
}

TEST_P(ModelTest, GemmGivesTheSameBitsWithAnyThreads) {
  const Reals a = RandomReals(44, 1024 * 300), b = RandomReals(45, 300 * 70);
  Reals expected;
  for (int32_t threads : {1, 2, 3}) {
    AIT_OPEN_DEVICE(device, GetParam(), threads);
    Buffer<ait_real> device_a(device, a), device_b(device, b), c(device, 1024 * 70, kNan);
    const ait_gemm gemm = {0, 0, 1024, 70, 300, 1, device_a.get(), 300, device_b.get(), 70, 0, c.get(), 70, 0, 0, 0, 0};
    ASSERT_EQ(AIT_OK, device->model->gemm(device.get(), &gemm));
    expected = threads == 1 ? c.Host() : expected;
    EXPECT_TRUE(SameBits(expected, c.Host())) << threads;
  }
}

// ---- rows of data ---------------------------------------------------------------------------------

TEST_P(ModelTest, UploadedRowsDescribeTheMatrix) {
  AIT_OPEN_DEVICE(device, GetParam());
  const std::vector<uint8_t> pixels = {1, 2, 3, 4, 5, 6, 7, 8};
  const double scale[] = {0.5, 0.25, 2}, shift[] = {1, 2, 3};
  ait_matrix *matrix = nullptr;
  ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_U8, 2, 3, 5, pixels.data(), &matrix));
  ait_rows rows;
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &rows));
  EXPECT_EQ(AIT_U8, rows.type);
  EXPECT_EQ(2, rows.rows);
  EXPECT_EQ(3, rows.columns);
  EXPECT_EQ(nullptr, rows.scale);
  EXPECT_EQ(nullptr, rows.shift);
  if (std::string(device->runtime->kind) == "cpu") {
    EXPECT_EQ(pixels.data(), rows.data) << "the CPU borrows the matrix's memory";
    EXPECT_EQ(5, rows.stride);
  }
  device->model->release_rows(device.get(), &rows);
  ASSERT_EQ(AIT_OK, ait_matrix_set_scale(matrix, scale, shift));
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &rows));
  Reals on_host(6);
  ASSERT_EQ(AIT_OK, device->runtime->copy_out(device.get(), 3 * sizeof(ait_real), rows.scale, on_host.data()));
  ASSERT_EQ(AIT_OK, device->runtime->copy_out(device.get(), 3 * sizeof(ait_real), rows.shift, on_host.data() + 3));
  ASSERT_EQ(AIT_OK, device->runtime->synchronize(device.get()));
  EXPECT_EQ((Reals{0.5, 0.25, 2, 1, 2, 3}), on_host);
  device->model->release_rows(device.get(), &rows);
  ait_matrix_destroy(matrix);
}

// A device holds the rows of one matrix once, until the last user is gone.
TEST_P(ModelTest, RowsOfOneMatrixAreHeldOnce) {
  AIT_OPEN_DEVICE(device, GetParam());
  const std::vector<float> stored = {1, 2, 3, 4, 5, 6};
  ait_matrix *matrix = nullptr, *part = nullptr;
  ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_F32, 3, 2, 2, stored.data(), &matrix));
  ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_F32, 3, 1, 2, stored.data(), &part));
  ait_rows one, other, narrow;
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &one));
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &other));
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), part, AIT_READ_OFTEN, &narrow));
  EXPECT_EQ(one.data, other.data);
  device->model->release_rows(device.get(), &one);
  for (const ait_rows *rows : {&other, &narrow}) {
    Buffer<ait_real> ones(device, Reals(static_cast<size_t>(rows->columns), 1)), sums(device, 3, kNan);
    Buffer<uint8_t> workspace(device, device->model->rows_workspace(device.get(), rows), 0xff);
    ASSERT_EQ(AIT_OK, device->model->rows_times(device.get(), rows, 0, 3, 1, ones.get(), sums.get(), workspace.get()));
    EXPECT_EQ(rows == &other ? (Reals{3, 7, 11}) : (Reals{1, 3, 5}), sums.Host());
  }
  device->model->release_rows(device.get(), &other);
  device->model->release_rows(device.get(), &narrow);
  ait_matrix_destroy(matrix);
  ait_matrix_destroy(part);
}

// The CPU borrows rows that are read once. Rows that are read often it may copy, once, to where its kernels read them
// faster: the same bytes, padded with zeros to whole cache lines.
TEST_P(ModelTest, RowsReadOftenMayStandOnLines) {
  AIT_OPEN_DEVICE(device, GetParam());
  if (std::string(device->runtime->kind) != "cpu") {
    GTEST_SKIP() << "about rows on the CPU";
  }
  constexpr int64_t kRows = 9, kLine = 64;
  struct Layout {
    int64_t columns, stride, offset, copied_stride;  // an odd number of lines
  };
  int copied = 0;
  for (const Layout &layout : {Layout{70, 75, 0, 3 * kLine}, Layout{64, 64, 16, kLine}}) {
    alignas(kLine) std::array<uint8_t, kRows * 75 + 16> memory;
    std::iota(memory.begin(), memory.end(), uint8_t{1});
    const uint8_t *pixels = memory.data() + layout.offset;
    ait_matrix *matrix = nullptr;
    ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_U8, kRows, layout.columns, layout.stride, pixels, &matrix));
    ait_rows once, often, again;
    ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_ONCE, &once));
    ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &often));
    ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &again));
    EXPECT_EQ(pixels, once.data);
    EXPECT_EQ(often.data, again.data);
    const auto *stored = static_cast<const uint8_t *>(often.data);
    for (int64_t i = 0; i < kRows; ++i) {
      EXPECT_EQ(0, memcmp(stored + i * often.stride, pixels + i * layout.stride, static_cast<size_t>(layout.columns)));
    }
    if (stored != pixels) {
      ++copied;
      EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(stored) % kLine);
      EXPECT_EQ(layout.copied_stride, often.stride);
      for (int64_t k = layout.columns; k < often.stride; ++k) {
        EXPECT_EQ(0, stored[(kRows - 1) * often.stride + k]) << "padding at column " << k;
      }
    }
    for (ait_rows *rows : {&once, &often, &again}) {
      device->model->release_rows(device.get(), rows);
    }
    ait_matrix_destroy(matrix);
  }
  if (copied == 0) {
    GTEST_SKIP() << "these kernels read rows where they are";
  }
  EXPECT_EQ(2, copied);
}

// Rows of bytes that the CPU keeps without their zeros hold the same numbers.
TEST_P(ModelTest, RowsWithoutTheirZerosHoldTheSameNumbers) {
  AIT_OPEN_DEVICE(device, GetParam());
  constexpr int64_t kRows = 300, kColumns = 90;
  std::vector<uint8_t> pixels(kRows * kColumns);
  std::mt19937_64 engine(49);
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < kColumns; ++j) {
      pixels[i * kColumns + j] = (i + j) % 3 == 0 ? static_cast<uint8_t>(engine()) : 0;
    }
  }
  ait_matrix *matrix = nullptr;
  ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_U8, kRows, kColumns, kColumns, pixels.data(), &matrix));
  ait_rows once, often, again;
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_ONCE, &once));
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &often));
  ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &again));
  const bool is_sparse = often.sparse != nullptr;
  EXPECT_EQ(nullptr, once.sparse);
  EXPECT_EQ(often.sparse, again.sparse) << "two copies of one matrix";
  device->model->release_rows(device.get(), &again);
  Reals sums[2];
  for (const ait_rows *rows : {&once, &often}) {
    Buffer<ait_real> w(device, RandomReals(50, kColumns)), z(device, kRows, kNan);
    Buffer<uint8_t> workspace(device, device->model->rows_workspace(device.get(), rows), 0xff);
    ASSERT_EQ(AIT_OK, device->model->rows_times(device.get(), rows, 0, kRows, 1, w.get(), z.get(), workspace.get()));
    sums[rows == &often] = z.Host();
  }
  EXPECT_TRUE(SameBits(sums[0], sums[1]));
  device->model->release_rows(device.get(), &once);
  device->model->release_rows(device.get(), &often);
  ait_matrix_destroy(matrix);
  if (!is_sparse) {
    GTEST_SKIP() << "these kernels read rows where they are";
  }
}

// A sum of `count` terms, computed wider than any device does, and the size of its terms.
using Wide = long double;
struct Sum {
  Wide sum = 0, size = 0;
  int64_t count = 0;

  void Add(Wide term) {
    sum += term;
    size += std::fabs(term);
    ++count;
  }
};
using Sums = std::vector<Sum>;

// Each entry within a last rounding and what rounding to `epsilon` on the way adds: a device may sum in
// any order, and the error of a sum grows with the root of the number of its terms.
void ExpectSums(const Sums &expected, const Reals &found, double epsilon) {
  ASSERT_EQ(expected.size(), found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const Wide error = std::fabs(static_cast<Wide>(found[i]) - expected[i].sum);
    const Wide on_the_way = (4 + std::sqrt(static_cast<Wide>(expected[i].count))) * epsilon * expected[i].size;
    ASSERT_LE(error, kEpsilon * std::fabs(expected[i].sum) + on_the_way) << "entry " << i;
  }
}

// Stored small integers, so that every type holds them exactly.
template <class T>
std::vector<T> StoredIntegers(int64_t n) {
  std::mt19937_64 engine(46);
  std::vector<T> stored(static_cast<size_t>(n));
  for (T &value : stored) {
    value = static_cast<T>(engine() % 100);
  }
  return stored;
}

// Checks U w' and r' U of the rows first .. first + count - 1, with and without scale and shift.
template <class T>
void CheckRowProducts(Device &device, ait_type type, int64_t first, int64_t count) {
  const int64_t total = first + count + 2, columns = 37, stride = 40, h = 6;
  const std::vector<T> stored = StoredIntegers<T>((total - 1) * stride + columns);
  const Reals w = RandomReals(47, h * columns), r = RandomReals(48, count * h);
  for (bool scaled : {false, true}) {
    const Doubles scale(static_cast<size_t>(columns), scaled ? 0.125 : 1), shift(scale.size(), scaled ? -2 : 0);
    ait_matrix *matrix = nullptr;
    ASSERT_EQ(AIT_OK, ait_matrix_view(type, total, columns, stride, stored.data(), &matrix));
    if (scaled) {
      ASSERT_EQ(AIT_OK, ait_matrix_set_scale(matrix, scale.data(), shift.data()));
    }
    ait_rows rows;
    ASSERT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &rows));
    Buffer<uint8_t> workspace(device, device->model->rows_workspace(device.get(), &rows), 0xff);
    Buffer<ait_real> device_w(device, w), device_r(device, r), z(device, count * h, kNan), g(device, h * columns, kNan);
    ASSERT_EQ(AIT_OK, device->model->rows_times(device.get(), &rows, first, count, h, device_w.get(), z.get(),
                                                workspace.get()));
    ASSERT_EQ(AIT_OK, device->model->rows_transposed_times(device.get(), &rows, first, count, h, device_r.get(),
                                                           g.get(), workspace.get()));
    Sums expected_z(static_cast<size_t>(count * h)), expected_g(static_cast<size_t>(h * columns));
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        const double u = static_cast<double>(stored[(first + i) * stride + j]) * scale[j] + shift[j];
        for (int64_t l = 0; l < h; ++l) {
          expected_z[i * h + l].Add(u * static_cast<Wide>(w[l * columns + j]));
          expected_g[l * columns + j].Add(u * static_cast<Wide>(r[i * h + l]));
        }
      }
    }
    SCOPED_TRACE(testing::Message() << ait_type_name(type) << " scaled " << scaled);
    ExpectSums(expected_z, z.Host(), kEpsilon);
    ExpectSums(expected_g, g.Host(), kEpsilon);
    device->model->release_rows(device.get(), &rows);
    ait_matrix_destroy(matrix);
  }
}

TEST_P(ModelTest, ProductsWithAChunkOfRows) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t count : {int64_t{1}, int64_t{33}, device->model->row_chunk}) {
    CheckRowProducts<uint8_t>(device, AIT_U8, 3, count);
    CheckRowProducts<int32_t>(device, AIT_I32, 0, count);
    CheckRowProducts<int64_t>(device, AIT_I64, 1, count);
    CheckRowProducts<float>(device, AIT_F32, 2, count);
    CheckRowProducts<double>(device, AIT_F64, 5, count);
  }
}

// ---- elementwise and sums -------------------------------------------------------------------------

TEST_P(ModelTest, AddsBiasesAndSumsColumns) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t count : {0, 1, 33, 1000}) {
    for (int64_t h : {1, 10, 65, 300}) {
      const Reals b = RandomReals(50, h), z = RandomReals(51, count * h);
      Buffer<ait_real> device_b(device, b), device_z(device, z), out(device, h, kNan);
      ASSERT_EQ(AIT_OK, device->model->add_bias(device.get(), count, h, device_b.get(), device_z.get()));
      Reals expected = z;
      Sums sums(static_cast<size_t>(h));
      for (int64_t i = 0; i < count * h; ++i) {
        expected[i] += b[i % h];
        sums[i % h].Add(static_cast<Wide>(expected[i]));
      }
      EXPECT_EQ(expected, device_z.Host());
      ASSERT_EQ(AIT_OK, device->model->column_sums(device.get(), count, h, device_z.get(), out.get()));
      SCOPED_TRACE(testing::Message() << count << " x " << h);
      ExpectSums(sums, out.Host(), std::numeric_limits<double>::epsilon());
    }
  }
}

// 1 + 10^5 times 1e-9: in float every addend would be lost.
TEST_P(ModelTest, SumsOverChunksAreKeptInDouble) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t n : {1, 33, 70001}) {
    Buffer<ait_real> one(device, n, 1), small(device, n, static_cast<ait_real>(0x1p-30)), out(device, n, kNan);
    Buffer<double> sum(device, n, 0);
    ASSERT_EQ(AIT_OK, device->model->accumulate(device.get(), n, one.get(), sum.get()));
    for (int step = 0; step < 4; ++step) {
      ASSERT_EQ(AIT_OK, device->model->accumulate(device.get(), n, small.get(), sum.get()));
    }
    EXPECT_EQ(Doubles(static_cast<size_t>(n), 1 + 0x1p-28), sum.Host());
    ASSERT_EQ(AIT_OK, device->model->round_sum(device.get(), n, 0.5, sum.get(), out.get()));
    EXPECT_EQ(Reals(static_cast<size_t>(n), static_cast<ait_real>(0.5 * (1 + 0x1p-28))), out.Host());
  }
}

// ---- cross-entropy --------------------------------------------------------------------------------

struct Rows {
  int64_t count, classes, total;
  std::vector<int32_t> labels;
  Reals x, logits, s;          // x may be empty
  Reals weights, log_noise;    // empty: NULL
  std::vector<int32_t> folds;  // empty: NULL
  int32_t fold = 0, only_fold = 0;
};

Rows MakeRows(int64_t count, int64_t classes, bool weighted, double size = 3) {
  Rows rows;
  rows.count = count;
  rows.classes = classes;
  rows.total = 2 * count + 5;
  rows.labels = RandomLabels(52, count, classes);
  rows.x = weighted ? RandomReals(53, count, -4, 4) : Reals();
  rows.logits = RandomReals(54, count * classes, -size, size);
  rows.s = RandomReals(55, count * classes);
  return rows;
}

// A noise model whose chances differ widely; one of them is 0.
void AddNoise(Rows *rows) {
  rows->log_noise = RandomReals(56, rows->classes * rows->classes, -8, -1);
  for (int64_t c = 0; c < rows->classes; ++c) {
    rows->log_noise[c * rows->classes + c] = static_cast<ait_real>(-0.3);
  }
  rows->log_noise[1] = -kInfinity;
}

// The rows on a device, and what their logits are compared with.
struct DeviceRows {
  DeviceRows(Device &device, const Rows &rows)
      : labels(device, rows.labels),
        folds(device, rows.folds),
        x(device, rows.x),
        weights(device, rows.weights),
        log_noise(device, rows.log_noise),
        logits(device, rows.logits),
        s(device, rows.s) {
    targets.labels = labels.get();
    targets.x = rows.x.empty() ? nullptr : x.get();
    targets.weights = rows.weights.empty() ? nullptr : weights.get();
    targets.folds = rows.folds.empty() ? nullptr : folds.get();
    targets.fold = rows.fold;
    targets.only_fold = rows.only_fold;
    targets.log_noise = rows.log_noise.empty() ? nullptr : log_noise.get();
  }
  Buffer<int32_t> labels, folds;
  Buffer<ait_real> x, weights, log_noise, logits, s;
  ait_targets targets = {};
};

struct RowResults {
  Reals p, r, loss, dr, cross, in_x;  // p: L - max L where labels are noisy; in_x: zeros without x
  Reals slopes, noise_cross;          // empty where labels are right
};

RowResults RunRows(Device &device, const Rows &rows) {
  DeviceRows on(device, rows), again(device, rows);
  const size_t noise = rows.log_noise.size(), slopes_size = noise > 0 ? rows.logits.size() : 0;
  Buffer<ait_real> r(device, rows.logits.size(), kNan), loss(device, 1, kNan), slopes(device, slopes_size, kNan);
  Buffer<ait_real> cross(device, static_cast<size_t>(rows.count), kNan), noise_cross(device, noise, kNan);
  Buffer<ait_real> in_x(device, static_cast<size_t>(rows.count), 0);
  const ait_model_ops &model = *device->model;
  EXPECT_EQ(AIT_OK, model.cross_entropy(device.get(), rows.count, rows.classes, rows.total, &on.targets,
                                        on.logits.get(), r.get(), loss.get()));
  EXPECT_EQ(AIT_OK,
            model.cross_entropy_tangent(device.get(), rows.count, rows.classes, rows.total, &on.targets,
                                        on.logits.get(), on.s.get(), cross.get(), noise > 0 ? slopes.get() : nullptr));
  if (noise > 0) {
    EXPECT_EQ(AIT_OK, model.noise_cross(device.get(), rows.count, rows.classes, on.labels.get(), slopes.get(),
                                        noise_cross.get()));
  } else if (on.targets.x != nullptr) {
    EXPECT_EQ(AIT_OK, model.cross_entropy_x_gradient(device.get(), rows.count, rows.classes, rows.total,
                                                     on.labels.get(), on.x.get(), again.logits.get(), in_x.get()));
  }
  return {on.logits.Host(), r.Host(),    loss.Host(),   on.s.Host(),
          cross.Host(),     in_x.Host(), slopes.Host(), noise_cross.Host()};
}

struct RowReference {
  Doubles p, r, loss = {0}, dr, cross, in_x, slopes, noise_cross;
};

// w and its derivative in x.
std::pair<Wide, Wide> ReferenceWeight(const Rows &rows, int64_t i) {
  if (!rows.folds.empty() && (rows.folds[i] == rows.fold) != (rows.only_fold != 0)) {
    return {0, 0};
  }
  if (rows.x.empty()) {
    return {rows.weights.empty() ? 1 : static_cast<Wide>(rows.weights[i]), 0};
  }
  const Wide w = 1 / (1 + std::exp(-static_cast<Wide>(rows.x[i])));
  return {w, w * (1 - w)};
}

// A row's P, and, of it, onehot or the posterior of the classes given the label; the logarithm of the label's chance.
struct ReferenceChances {
  std::vector<Wide> p, r;
  Wide log_chance = 0;

  ReferenceChances(const Rows &rows, int64_t i) : p(rows.classes), r(rows.classes) {
    const ait_real *logits = rows.logits.data() + i * rows.classes;
    const Wide largest = static_cast<Wide>(*std::max_element(logits, logits + rows.classes));
    Wide all = 0, labelled = 0;
    for (int64_t c = 0; c < rows.classes; ++c) {
      p[c] = std::exp(static_cast<Wide>(logits[c]) - largest);
      r[c] = p[c] * (rows.log_noise.empty()
                         ? static_cast<Wide>(c == rows.labels[i])
                         : std::exp(static_cast<Wide>(rows.log_noise[c * rows.classes + rows.labels[i]])));
      all += p[c];
      labelled += r[c];
    }
    for (int64_t c = 0; c < rows.classes; ++c) {
      p[c] /= all;
      r[c] /= labelled;
    }
    log_chance = std::log(labelled) - std::log(all);
  }
};

// Returns the row's share of the loss.
Wide AddReferenceRow(const Rows &rows, int64_t i, RowReference *out) {
  const ReferenceChances chances(rows, i);
  const auto [w, slope] = ReferenceWeight(rows, i);
  const ait_real *s = rows.s.data() + i * rows.classes, *logits = rows.logits.data() + i * rows.classes;
  const ait_real largest = *std::max_element(logits, logits + rows.classes);
  Wide prior = 0, posterior = 0;
  for (int64_t c = 0; c < rows.classes; ++c) {
    prior += chances.p[c] * static_cast<Wide>(s[c]);
    posterior += chances.r[c] * static_cast<Wide>(s[c]);
  }
  for (int64_t c = 0; c < rows.classes; ++c) {
    const Wide p = chances.p[c], r = chances.r[c], own = static_cast<Wide>(s[c]);
    out->p.push_back(rows.log_noise.empty() ? static_cast<double>(p) : static_cast<double>(logits[c] - largest));
    out->r.push_back(static_cast<double>(w * (p - r) / rows.total));
    out->dr.push_back(static_cast<double>(w / rows.total * (p * (own - prior) - r * (own - posterior))));
    if (!rows.log_noise.empty()) {
      out->slopes.push_back(static_cast<double>(w / rows.total * r * (own - posterior)));
      out->noise_cross[c * rows.classes + rows.labels[i]] -= out->slopes.back();
    }
  }
  out->cross.push_back(static_cast<double>(slope / rows.total * (prior - posterior)));
  out->in_x.push_back(rows.log_noise.empty() ? static_cast<double>(-slope / rows.total * chances.log_chance) : 0);
  return -w * chances.log_chance / rows.total;
}

RowReference ReferenceRows(const Rows &rows) {
  RowReference out;
  out.noise_cross.assign(rows.log_noise.size(), 0);
  Wide loss = 0;
  for (int64_t i = 0; i < rows.count; ++i) {
    loss += AddReferenceRow(rows, i, &out);
  }
  out.loss[0] = static_cast<double>(loss);
  return out;
}

// A P carries the rounding of its logit's exponential and of the sum: a few epsilon. A posterior carries that of the
// exponential of L - max L + log T, whose size of up to 14 is as many more.
void ExpectRows(const RowResults &results, const RowReference &expected, bool noisy) {
  const double chances = noisy ? 16 * kEpsilon : 8 * kEpsilon, slopes = noisy ? 32 * kEpsilon : 16 * kEpsilon;
  EXPECT_LE(RelativeError(results.loss, expected.loss), chances) << "loss";
  EXPECT_LE(RelativeError(results.p, expected.p), 8 * kEpsilon) << "P";
  EXPECT_LE(RelativeError(results.r, expected.r), chances) << "R";
  EXPECT_LE(RelativeError(results.dr, expected.dr), slopes) << "dR";
  EXPECT_LE(RelativeError(results.cross, expected.cross), slopes) << "cross term";
  EXPECT_LE(RelativeError(results.in_x, expected.in_x), 8 * kEpsilon) << "derivative in x";
  EXPECT_LE(RelativeError(results.slopes, expected.slopes), slopes) << "slopes";
  EXPECT_LE(RelativeError(results.noise_cross, expected.noise_cross), slopes) << "cross terms of log T";
}

void CheckRows(Device &device, const Rows &rows) {
  const bool noisy = !rows.log_noise.empty();
  SCOPED_TRACE(testing::Message() << rows.count << " rows, " << rows.classes << " classes, with x " << !rows.x.empty()
                                  << ", noisy " << noisy);
  ExpectRows(RunRows(device, rows), ReferenceRows(rows), noisy);
}

TEST_P(ModelTest, CrossEntropyAndItsTangentMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t count : {1, 31, 32, 33, 1000}) {
    for (int64_t classes : {2, 10, 100}) {
      CheckRows(device, MakeRows(count, classes, true));
      CheckRows(device, MakeRows(count, classes, false));
    }
  }
}

TEST_P(ModelTest, CrossEntropyOfNoisyLabelsMatchesTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  struct Shape {
    int64_t count, classes;
    bool weighted;
  };
  for (const Shape &shape : {Shape{1, 2, true}, Shape{33, 10, false}, Shape{1000, 10, true}, Shape{33, 66, false}}) {
    Rows rows = MakeRows(shape.count, shape.classes, shape.weighted);
    AddNoise(&rows);
    CheckRows(device, rows);
  }
}

// Weights in place of x, some of them 0, and folds that are left out or alone kept.
TEST_P(ModelTest, CrossEntropyTakesWeightsAndFolds) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (bool noisy : {false, true}) {
    for (int32_t only_fold : {0, 1}) {
      Rows rows = MakeRows(500, 7, noisy && only_fold != 0);
      if (rows.x.empty()) {
        rows.weights = RandomReals(57, rows.count, -0.2, 1);
        for (ait_real &weight : rows.weights) {
          weight = std::max<ait_real>(weight, 0);
        }
      }
      if (noisy) {
        AddNoise(&rows);
      }
      rows.folds = RandomLabels(58, rows.count, 5);
      rows.fold = 3;
      rows.only_fold = only_fold;
      CheckRows(device, rows);
      Rows without_folds = rows;
      without_folds.folds.clear();
      EXPECT_NE(RunRows(device, without_folds).loss, RunRows(device, rows).loss);
    }
  }
}

TEST_P(ModelTest, CrossEntropyOfNoRowsIsZero) {
  AIT_OPEN_DEVICE(device, GetParam());
  EXPECT_EQ(Reals{0}, RunRows(device, MakeRows(0, 3, true)).loss);
  Rows rows = MakeRows(0, 3, true);
  AddNoise(&rows);
  EXPECT_EQ(Reals{0}, RunRows(device, rows).loss);
  EXPECT_EQ(Reals(9, 0), RunRows(device, rows).noise_cross);
}

TEST_P(ModelTest, CrossEntropyOfSureRowsKeepsItsDigits) {
  AIT_OPEN_DEVICE(device, GetParam());
  Rows rows = MakeRows(40, 5, true);
  for (int64_t i = 0; i < rows.count; ++i) {
    rows.logits[i * 5 + rows.labels[i]] = 9;  // 1 - P about 1e-4: the long double reference keeps 15 digits
  }
  CheckRows(device, rows);
}

Rows OneRow(int64_t classes, int32_t label, const Reals &logits) {
  Rows rows = MakeRows(1, classes, false);
  rows.total = 1;
  rows.labels = {label};
  rows.logits = logits;
  return rows;
}

TEST_P(ModelTest, CrossEntropyOfLargeLogitsIsFinite) {
  AIT_OPEN_DEVICE(device, GetParam());
  Rows rows = OneRow(3, 2, {3000, -3000, -1000});
  const RowResults results = RunRows(device, rows);
  EXPECT_EQ(Reals{4000}, results.loss);
  EXPECT_EQ((Reals{1, 0, -1}), results.r);
  AddNoise(&rows);
  const RowResults noisy = RunRows(device, rows);
  EXPECT_EQ(-rows.log_noise[2], noisy.loss[0]);
  EXPECT_EQ((Reals{0, 0, 0}), noisy.r);
}

TEST_P(ModelTest, CrossEntropyLetsNanThrough) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (size_t place : {size_t{0}, size_t{1}, size_t{2}}) {
    Rows rows = OneRow(3, 1, {1, 2, 3});
    rows.logits[place] = kNan;
    EXPECT_TRUE(std::isnan(RunRows(device, rows).loss[0])) << place;
    AddNoise(&rows);
    EXPECT_TRUE(std::isnan(RunRows(device, rows).loss[0])) << place << ", noisy";
  }
  Rows rows = OneRow(2, 1, {1, 2});
  rows.x = {kNan};
  const RowResults results = RunRows(device, rows);
  EXPECT_TRUE(std::isnan(results.loss[0]));
  EXPECT_TRUE(std::isnan(results.cross[0]));
  EXPECT_TRUE(std::isnan(results.in_x[0]));
}

TEST_P(ModelTest, CrossEntropyOutputsAreOptional) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (bool noisy : {false, true}) {
    Rows rows = MakeRows(33, 4, true);
    if (noisy) {
      AddNoise(&rows);
    }
    const RowResults all = RunRows(device, rows);
    DeviceRows on(device, rows), again(device, rows);
    Buffer<ait_real> loss(device, 1, kNan), r(device, rows.logits.size(), 0);
    const ait_model_ops &model = *device->model;
    ASSERT_EQ(AIT_OK,
              model.cross_entropy(device.get(), 33, 4, rows.total, &on.targets, on.logits.get(), nullptr, loss.get()));
    EXPECT_TRUE(SameBits(all.p, on.logits.Host()));
    EXPECT_TRUE(SameBits(all.loss, loss.Host()));
    ASSERT_EQ(AIT_OK, model.cross_entropy(device.get(), 33, 4, rows.total, &again.targets, again.logits.get(), r.get(),
                                          nullptr));
    EXPECT_TRUE(SameBits(all.r, r.Host()));
    ASSERT_EQ(AIT_OK, model.cross_entropy_tangent(device.get(), 33, 4, rows.total, &on.targets, on.logits.get(),
                                                  on.s.get(), nullptr, nullptr));
    EXPECT_TRUE(SameBits(all.dr, on.s.Host()));
  }
}

TEST_P(ModelTest, CrossEntropyGivesTheSameBitsWithAnyThreads) {
  for (bool noisy : {false, true}) {
    Rows rows = MakeRows(3001, 10, true);
    if (noisy) {
      AddNoise(&rows);
    }
    AIT_OPEN_DEVICE(one, GetParam(), 1);
    const RowResults expected = RunRows(one, rows);
    for (int32_t threads : {2, 3}) {
      AIT_OPEN_DEVICE(device, GetParam(), threads);
      const RowResults results = RunRows(device, rows);
      EXPECT_TRUE(SameBits(expected.loss, results.loss)) << threads;
      EXPECT_TRUE(SameBits(expected.r, results.r)) << threads;
      EXPECT_TRUE(SameBits(expected.dr, results.dr)) << threads;
      EXPECT_TRUE(SameBits(expected.cross, results.cross)) << threads;
      EXPECT_TRUE(SameBits(expected.in_x, results.in_x)) << threads;
      EXPECT_TRUE(SameBits(expected.noise_cross, results.noise_cross)) << threads;
    }
  }
}

// ---- slots ----------------------------------------------------------------------------------------

// What every slot writes: its number; a lane's use is counted, so that two slots at a time on one would show.
struct SlotRecord {
  std::vector<int64_t> done;
  std::vector<std::atomic<int>> used;
  std::atomic<int> clashes{0};
  explicit SlotRecord(int64_t slots, int32_t lanes) : done(slots, -1), used(lanes) {}
};

ait_status RecordSlot(ait_device *device, int64_t slot, int64_t lane, void *context) {
  auto *record = static_cast<SlotRecord *>(context);
  record->clashes += record->used.at(static_cast<size_t>(lane)).fetch_add(1) != 0;
  const Reals a(6, 1), b(6, 2);
  Reals c(4, 0);
  const ait_gemm product = {0, 0, 2, 2, 3, 1, a.data(), 3, b.data(), 2, 0, c.data(), 2, 0, 0, 0, 0};
  const ait_status status = device->model->gemm(device, &product);
  record->done[static_cast<size_t>(slot)] = c == Reals(4, 6) ? slot : -2;
  record->used[static_cast<size_t>(lane)].fetch_sub(1);
  return status;
}

ait_status FailFromSlotThree(ait_device *device, int64_t slot, int64_t, void *) {
  return slot < 3 ? AIT_OK : device->model->activation(device, static_cast<ait_activation>(90 + slot), 0, nullptr);
}

TEST_P(ModelTest, EverySlotIsDoneOnceOnALaneOfItsOwn) {
  AIT_OPEN_DEVICE(device, GetParam(), 3);
  if (device->model->for_slots == nullptr) {
    GTEST_SKIP() << "one stream does all work in its order";
  }
  SlotRecord record(50, device->threads);
  ASSERT_EQ(AIT_OK, device->model->for_slots(device.get(), 50, RecordSlot, &record));
  EXPECT_EQ(0, record.clashes);
  for (int64_t slot = 0; slot < 50; ++slot) {
    EXPECT_EQ(slot, record.done[static_cast<size_t>(slot)]);
  }
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->for_slots(device.get(), 50, FailFromSlotThree, nullptr));
  EXPECT_NE(nullptr, std::strstr(ait_last_error(), "activation 93")) << ait_last_error();
}

TEST_P(ModelTest, SlotsAreAddedInTheirOrder) {
  AIT_OPEN_DEVICE(device, GetParam());
  if (device->model->add_slots == nullptr) {
    GTEST_SKIP() << "one stream does all work in its order";
  }
  for (int64_t n : {int64_t{1}, int64_t{33}, int64_t{5000}}) {
    const int64_t stride = n + 3;
    Doubles sums(static_cast<size_t>(4 * stride)), expected(static_cast<size_t>(n));
    for (int64_t i = 0; i < 4 * stride; ++i) {
      sums[static_cast<size_t>(i)] = std::sin(static_cast<double>(i)) * std::pow(10, i % 17);
    }
    for (int64_t j = 0; j < n; ++j) {
      expected[j] = ((sums[j] + sums[stride + j]) + sums[2 * stride + j]) + sums[3 * stride + j];
    }
    ASSERT_EQ(AIT_OK, device->model->add_slots(device.get(), 4, stride, n, sums.data()));
    EXPECT_EQ(expected, Doubles(sums.begin(), sums.begin() + n));
  }
}

// ---- activations ----------------------------------------------------------------------------------

double Phi(ait_activation kind, double z) {
  return kind == AIT_ACTIVATION_TANH ? std::tanh(z) : kind == AIT_ACTIVATION_RELU ? std::max(z, 0.0) : z;
}

// phi' and phi'' by the textbook.
double PhiSlope(ait_activation kind, double z) {
  return kind == AIT_ACTIVATION_TANH   ? 1 / (std::cosh(z) * std::cosh(z))
         : kind == AIT_ACTIVATION_RELU ? (z > 0 ? 1 : 0)
                                       : 1;
}

double PhiBend(ait_activation kind, double z) {
  return kind == AIT_ACTIVATION_TANH ? -2 * std::tanh(z) * PhiSlope(kind, z) : 0;
}

// Every entry by itself, where exp(2 z) would cancel, overflow or be 1.
TEST_P(ModelTest, TanhKeepsItsDigitsFromTinyToHuge) {
  AIT_OPEN_DEVICE(device, GetParam());
  Reals z = {0, kInfinity, kNan};
  for (double size :
       {1e-37, 1e-20, 1e-6, 1e-3, 0.1, 0.17, 0.18, 0.3465, 0.35, 0.6, 1.0, 3.0, 9.0, 20.0, 43.0, 90.0, 1e30}) {
    z.push_back(static_cast<ait_real>(size));
  }
  for (size_t i = 0, count = z.size(); i < count; ++i) {
    z.push_back(-z[i]);
  }
  Buffer<ait_real> a(device, z);
  ASSERT_EQ(AIT_OK,
            device->model->activation(device.get(), AIT_ACTIVATION_TANH, static_cast<int64_t>(z.size()), a.get()));
  const Reals results = a.Host();
  for (size_t i = 0; i < z.size(); ++i) {
    const double exact = std::tanh(static_cast<double>(z[i])), result = static_cast<double>(results[i]);
    if (std::isnan(z[i])) {
      EXPECT_TRUE(std::isnan(result));
    } else {
      EXPECT_LE(std::fabs(result - exact), 3 * kEpsilon * std::fabs(exact)) << "tanh of " << z[i];
    }
  }
}

TEST_P(ModelTest, ActivationsAndTheirDerivativesMatchTheTextbook) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (ait_activation kind : {AIT_ACTIVATION_NONE, AIT_ACTIVATION_RELU, AIT_ACTIVATION_TANH}) {
    for (int64_t n : Lengths()) {
      SCOPED_TRACE(testing::Message() << "activation " << kind << ", length " << n);
      const Reals z = RandomReals(60, n, -2, 2), dz = RandomReals(61, n), back = RandomReals(62, n);
      const Reals dback = RandomReals(63, n);
      Buffer<ait_real> a(device, z), da(device, dz), device_back(device, back), device_dback(device, dback);
      ASSERT_EQ(AIT_OK, device->model->activation(device.get(), kind, n, a.get()));
      ASSERT_EQ(AIT_OK, device->model->activation_derivative(device.get(), kind, n, a.get(), da.get()));
      ASSERT_EQ(AIT_OK, device->model->activation_second(device.get(), kind, n, a.get(), da.get(), device_back.get(),
                                                         device_dback.get()));
      Doubles phi, slope, expected_back, expected_dback;
      for (int64_t i = 0; i < n; ++i) {
        const double at = static_cast<double>(z[i]), along = static_cast<double>(dz[i]);
        const double b = static_cast<double>(back[i]), db = static_cast<double>(dback[i]);
        phi.push_back(Phi(kind, at));
        slope.push_back(PhiSlope(kind, at) * along);
        expected_back.push_back(PhiSlope(kind, at) * b);
        expected_dback.push_back(PhiSlope(kind, at) * db + PhiBend(kind, at) * along * b);
      }
      EXPECT_LE(RelativeError(a.Host(), phi), 2 * kEpsilon);
      EXPECT_LE(RelativeError(da.Host(), slope), 8 * kEpsilon);
      EXPECT_LE(RelativeError(device_back.Host(), expected_back), 8 * kEpsilon);
      EXPECT_LE(RelativeError(device_dback.Host(), expected_dback), 8 * kEpsilon);
    }
  }
}

TEST_P(ModelTest, ActivationsKeepNanAndReluIsFlatAtZero) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (ait_activation kind : {AIT_ACTIVATION_RELU, AIT_ACTIVATION_TANH}) {
    Buffer<ait_real> a(device, Reals{kNan, 0, -kInfinity});
    ASSERT_EQ(AIT_OK, device->model->activation(device.get(), kind, 3, a.get()));
    EXPECT_TRUE(std::isnan(a.Host()[0]));
    EXPECT_EQ(0, a.Host()[1]);
    EXPECT_EQ(kind == AIT_ACTIVATION_RELU ? 0 : -1, a.Host()[2]);
  }
  Buffer<ait_real> a(device, Reals{0}), dz(device, Reals{5});
  ASSERT_EQ(AIT_OK, device->model->activation_derivative(device.get(), AIT_ACTIVATION_RELU, 1, a.get(), dz.get()));
  EXPECT_EQ(0, dz.Host()[0]);
}

TEST_P(ModelTest, AnUnknownActivationIsRefused) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> a(device, Reals{1});
  const ait_activation unknown = static_cast<ait_activation>(3);
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->activation(device.get(), unknown, 1, a.get()));
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->activation_derivative(device.get(), unknown, 1, a.get(), a.get()));
}

// ---- accuracy -------------------------------------------------------------------------------------

TEST_P(ModelTest, CountsRowsWhoseLargestEntryIsTheirLabel) {
  AIT_OPEN_DEVICE(device, GetParam());
  // Right, wrong, a tie that the smaller class wins (right), a tie whose larger class is the label (wrong).
  Buffer<ait_real> p(device, Reals{0.1f, 0.9f, 0, 0.5f, 0.2f, 0.3f, 0.4f, 0.4f, 0.2f, 0.4f, 0.2f, 0.4f});
  Buffer<int32_t> labels(device, std::vector<int32_t>{1, 2, 0, 2});
  Buffer<int64_t> correct(device, 1, -1);
  ASSERT_EQ(AIT_OK, device->model->count_correct(device.get(), 4, 3, p.get(), labels.get(), correct.get()));
  EXPECT_EQ(2, correct.Host()[0]);
}

TEST_P(ModelTest, CountsCorrectRowsAtEveryLength) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t count : Lengths()) {
    const Reals p = RandomReals(70, count * 10);
    const std::vector<int32_t> labels = RandomLabels(71, count, 10);
    int64_t expected = 0;
    for (int64_t i = 0; i < count; ++i) {
      expected += std::max_element(p.begin() + i * 10, p.begin() + i * 10 + 10) - (p.begin() + i * 10) == labels[i];
    }
    Buffer<ait_real> device_p(device, p);
    Buffer<int32_t> device_labels(device, labels);
    Buffer<int64_t> correct(device, 1, -1);
    ASSERT_EQ(AIT_OK, device->model->count_correct(device.get(), count, 10, device_p.get(), device_labels.get(),
                                                   correct.get()));
    EXPECT_EQ(expected, correct.Host()[0]) << count;
  }
}

// ---- transition cleaning --------------------------------------------------------------------------

TEST_P(ModelTest, TransitionTermsAreTheirFormulas) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t classes : {2, 3, 40}) {
    for (double logit : {-30.0, -0.7, 0.0, 2.0, 30.0}) {
      const Reals variables = {static_cast<ait_real>(-2.5), static_cast<ait_real>(logit)};
      Buffer<ait_real> x(device, variables), lambda(device, 1, kNan);
      Buffer<ait_real> noise(device, static_cast<size_t>(classes * classes), kNan);
      ASSERT_EQ(AIT_OK, device->model->transition_terms(device.get(), classes, x.get(), lambda.get(), noise.get()));
      EXPECT_NEAR(std::exp(-2.5), static_cast<double>(lambda.Host()[0]), 1e-7);
      const double u = static_cast<double>(variables[1]);
      const double right = -std::log1p(std::exp(u)), wrong = -std::log1p(std::exp(-u)) - std::log(classes - 1.0);
      const Reals found = noise.Host();
      for (int64_t k = 0; k < classes * classes; ++k) {
        const double expected = k / classes == k % classes ? right : wrong;
        EXPECT_NEAR(expected, static_cast<double>(found[k]), 4 * kEpsilon * std::fabs(expected)) << k;
      }
      ASSERT_EQ(AIT_OK, device->model->transition_terms(device.get(), classes, x.get(), lambda.get(), nullptr));
    }
  }
}

TEST_P(ModelTest, TransitionCrossTermsAddActiveEntries) {
  AIT_OPEN_DEVICE(device, GetParam());
  const int64_t batch = 5, classes = 7, size = classes * classes;
  const Reals variables = {static_cast<ait_real>(-1.5), static_cast<ait_real>(0.8)};
  const Reals numbers = RandomReals(61, batch * size), products = RandomReals(62, batch);
  const std::vector<uint8_t> flags = {1, 0, 1, 1, 0};
  Buffer<ait_real> x(device, variables), dots(device, products), noise(device, numbers), xv(device, 2, kNan);
  Buffer<uint8_t> active(device, flags);
  const double e = 1 / (1 + std::exp(-static_cast<double>(variables[1])));
  for (bool all : {true, false}) {
    double expected[2] = {0, 0};
    for (int64_t b = 0; b < batch; ++b) {
      const double counts = all || flags[b] ? 1 : 0;
      expected[0] += counts * std::exp(-1.5) * static_cast<double>(products[b]);
      for (int64_t k = 0; k < size; ++k) {
        const double slope = k / classes == k % classes ? -e : 1 - e;
        expected[1] += counts * slope * static_cast<double>(numbers[b * size + k]);
      }
    }
    ASSERT_EQ(AIT_OK, device->model->transition_cross(device.get(), batch, classes, all ? nullptr : active.get(),
                                                      x.get(), dots.get(), noise.get(), xv.get()));
    const Reals found = xv.Host();
    EXPECT_NEAR(expected[0], static_cast<double>(found[0]), 16 * kEpsilon);
    EXPECT_NEAR(expected[1], static_cast<double>(found[1]), 64 * kEpsilon);
    ASSERT_EQ(AIT_OK, device->model->transition_cross(device.get(), batch, classes, all ? nullptr : active.get(),
                                                      x.get(), dots.get(), nullptr, xv.get()));
    EXPECT_TRUE(SameBits(found, xv.Host()));
  }
}

}  // namespace
}  // namespace device_tests
