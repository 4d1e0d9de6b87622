// test_device_data_pass.cc - conformance of the folded data pass, on every build of its kernels.
//
// The reference is written from the definitions, one row at a time, in double and long double.
#include <algorithm>
#include <memory>

#include "device_cases.h"

namespace device_tests {
namespace {

class DataPassTest : public testing::TestWithParam<DeviceCase> {};
INSTANTIATE_TEST_SUITE_P(Devices, DataPassTest, testing::ValuesIn(DataPassDevices()), CaseName);

using Doubles = std::vector<double>;

// ---- data in their own type -----------------------------------------------------------------------

// The value of an IEEE half from its three fields.
double HalfValue(uint16_t half) {
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  const double size = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -size : size;
}

// Appends the stored form of a random number to `bytes` and returns its value.
double AppendNumber(ait_type type, std::mt19937_64 &engine, std::vector<uint8_t> *bytes) {
  const double uniform = std::uniform_real_distribution<double>(-1, 1)(engine);
  uint8_t raw[8];
  double value = 0;
  const auto put = [&](auto number) {
    std::memcpy(raw, &number, sizeof number);
    bytes->insert(bytes->end(), raw, raw + sizeof number);
    value = static_cast<double>(number);
  };
  switch (type) {
    case AIT_U8:
      put(static_cast<uint8_t>(engine() % 4 == 0 ? engine() % 256 : 0));
      return value;
    case AIT_I32:
      put(static_cast<int32_t>(engine() % 7) - 3);
      return value;
    case AIT_I64:
      put(static_cast<int64_t>(engine() % 7) - 3);
      return value;
    case AIT_F16: {
      // Exponents 0 (subnormal) to 15 (up to 2), both signs.
      const uint16_t half = static_cast<uint16_t>((engine() % 2) << 15 | (engine() % 16) << 10 | engine() % 1024);
      put(half);
      return HalfValue(half);
    }
    case AIT_F32:
      put(static_cast<float>(uniform));
      return value;
    default:
      put(uniform);
      return value;
  }
}

// What a pass is asked to do, and its inputs on the host.
struct Work {
  ait_type type = AIT_U8;
  int64_t rows = 0, columns = 0, classes = 0, gap = 0;  // gap: stored numbers between two rows
  std::vector<uint8_t> stored;                          // exactly as many bytes as rows need
  Doubles values;                                       // rows x columns, before scale and shift
  Reals scale, shift, x, classifier, direction;         // empty: NULL
  std::vector<int32_t> labels;
  Reals weights, log_noise;    // empty: NULL
  std::vector<int32_t> folds;  // empty: NULL
  int32_t fold = 0, only_fold = 0;
};

enum Parts { kScale = 1, kShift = 2, kWeights = 4, kDirection = 8, kAllParts = 15 };

Work MakeWork(ait_type type, int64_t rows, int64_t columns, int64_t classes, int parts, int64_t gap = 0) {
  Work work;
  work.type = type;
  work.rows = rows;
  work.columns = columns;
  work.classes = classes;
  work.gap = gap;
  std::mt19937_64 engine(static_cast<uint64_t>(rows * 1000003 + columns * 1009 + classes));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      work.values.push_back(AppendNumber(type, engine, &work.stored));
    }
    for (int64_t j = 0; j < gap && i + 1 < rows; ++j) {
      AppendNumber(type, engine, &work.stored);
    }
  }
  const double unit = type == AIT_U8 ? 1.0 / 255 : 1;
  const int64_t parameters = classes * columns + classes;
  const double size = 2 / std::sqrt(static_cast<double>(columns));
  work.labels = RandomLabels(31, rows, classes);
  // Without a scale pixels are up to 255, so the classifier is made small instead.
  const double without = parts & kScale ? 1 : unit;
  work.classifier = RandomReals(32, parameters, -size * without, size * without);
  work.direction = parts & kDirection ? RandomReals(33, parameters, -size * without, size * without) : Reals();
  work.scale = parts & kScale ? RandomReals(34, columns, 0.5 * unit, unit) : Reals();
  work.shift = parts & kShift ? RandomReals(35, columns, -0.5, 0.1) : Reals();
  work.x = parts & kWeights ? RandomReals(36, rows, -4, 4) : Reals();
  return work;
}

// Weights in place of x, some of them 0; or a noise model whose chances differ widely; or five folds.
void AddWeights(Work *work) {
  work->x.clear();
  work->weights = RandomReals(41, work->rows, -0.2, 1);
  for (ait_real &weight : work->weights) {
    weight = std::max<ait_real>(weight, 0);
  }
}

void AddNoise(Work *work) {
  const int64_t classes = work->classes;
  work->log_noise = RandomReals(42, classes * classes, -8, -1);
  for (int64_t c = 0; c < classes; ++c) {
    work->log_noise[c * classes + c] = static_cast<ait_real>(-0.3);
  }
}

// Most numbers become 0.
void MakePictures(Work *work) {
  const std::vector<bool> hold = Pictures(work->rows, work->columns, 7);
  for (int64_t i = 0; i < work->rows; ++i) {
    for (int64_t j = 0; j < work->columns; ++j) {
      if (!hold[i * work->columns + j]) {
        work->stored[i * (work->columns + work->gap) + j] = 0;
        work->values[i * work->columns + j] = 0;
      }
    }
  }
}

void AddFolds(Work *work, int32_t fold, bool only) {
  work->folds = RandomLabels(43, work->rows, 5);
  work->fold = fold;
  work->only_fold = only;
}

// ---- reference ------------------------------------------------------------------------------------

struct Outputs {
  Doubles loss = {0}, gradient, tangent, cross, noise_cross;
};

// Softmax and weights in long double: 1 - P and 1 - w cancel.
using Wide = long double;

bool IsLeftOut(const Work &work, int64_t i) {
  return !work.folds.empty() && (work.folds[i] == work.fold) != (work.only_fold != 0);
}

Wide WeightOf(const Work &work, int64_t i) {
  if (IsLeftOut(work, i)) {
    return 0;
  }
  if (!work.weights.empty()) {
    return static_cast<Wide>(work.weights[i]);
  }
  return work.x.empty() ? 1 : 1 / (1 + std::exp(-static_cast<Wide>(work.x[i])));
}

// r of a row with softmax p: onehot, or the posterior where labels are noisy. *chance: of its label.
std::vector<Wide> TargetOf(const Work &work, int64_t i, const std::vector<Wide> &p, Wide *chance) {
  const int32_t label = work.labels[i];
  std::vector<Wide> r(p.size(), 0);
  *chance = 0;
  for (size_t c = 0; c < p.size(); ++c) {
    const bool own = static_cast<int32_t>(c) == label;
    r[c] = work.log_noise.empty() ? (own ? p[c] : 0)
                                  : p[c] * std::exp(static_cast<Wide>(work.log_noise[c * p.size() + label]));
    *chance += r[c];
  }
  for (Wide &entry : r) {
    entry /= *chance;
  }
  return r;
}

Doubles RowOf(const Work &work, int64_t i) {
  Doubles u(static_cast<size_t>(work.columns));
  for (int64_t j = 0; j < work.columns; ++j) {
    u[j] = work.values[i * work.columns + j] * (work.scale.empty() ? 1 : static_cast<double>(work.scale[j])) +
           (work.shift.empty() ? 0 : static_cast<double>(work.shift[j]));
  }
  return u;
}

// b + A u
Doubles Affine(const Work &work, const Reals &a, const Doubles &u) {
  Doubles out;
  for (int64_t c = 0; c < work.classes; ++c) {
    double sum = static_cast<double>(a[work.classes * work.columns + c]);
    for (int64_t j = 0; j < work.columns; ++j) {
      sum += static_cast<double>(a[c * work.columns + j]) * u[j];
    }
    out.push_back(sum);
  }
  return out;
}

// s_c - <q, s> for every c; the sum of differences does not cancel where q is near onehot, but takes C^2 steps.
std::vector<Wide> SlopesOf(const std::vector<Wide> &q, const Doubles &s, bool exactly) {
  std::vector<Wide> out(s.begin(), s.end());
  Wide mean = 0;
  for (size_t c = 0; c < s.size(); ++c) {
    mean += q[c] * static_cast<Wide>(s[c]);
  }
  for (size_t c = 0; c < s.size(); ++c) {
    Wide slope = exactly ? 0 : out[c] - mean;
    for (size_t k = 0; exactly && k < s.size(); ++k) {
      slope += q[k] * (static_cast<Wide>(s[c]) - static_cast<Wide>(s[k]));
    }
    out[c] = slope;
  }
  return out;
}

// sum += r (u, 1)'
void AddOuter(const Work &work, const Doubles &r, const Doubles &u, Doubles *sum) {
  for (int64_t c = 0; c < work.classes; ++c) {
    for (int64_t j = 0; j < work.columns; ++j) {
      (*sum)[c * work.columns + j] += r[c] * u[j];
    }
    (*sum)[work.classes * work.columns + c] += r[c];
  }
}

Outputs Reference(const Work &work) {
  const int64_t classes = work.classes;
  const Wide n = static_cast<Wide>(work.rows);
  Wide loss = 0;
  Outputs out;
  out.gradient = out.tangent = Doubles(static_cast<size_t>(classes * (work.columns + 1)), 0);
  out.noise_cross = Doubles(static_cast<size_t>(classes * classes), 0);
  for (int64_t i = 0; i < work.rows; ++i) {
    const Doubles u = RowOf(work, i);
    const Doubles logits = Affine(work, work.classifier, u);
    const int32_t label = work.labels[i];
    const Wide weight = WeightOf(work, i), largest = *std::max_element(logits.begin(), logits.end());
    std::vector<Wide> p(logits.begin(), logits.end());
    Doubles residual(static_cast<size_t>(classes)), dr(static_cast<size_t>(classes));
    Wide sum = 0, chance = 0;
    for (Wide &entry : p) {
      entry = std::exp(entry - largest);
      sum += entry;
    }
    for (Wide &entry : p) {
      entry /= sum;
    }
    const std::vector<Wide> r = TargetOf(work, i, p, &chance);
    loss += weight / n * (work.log_noise.empty() ? std::log(sum) + largest - logits[label] : -std::log(chance));
    for (int64_t c = 0; c < classes; ++c) {
      residual[c] = static_cast<double>(weight * (p[c] - r[c]) / n);
    }
    AddOuter(work, residual, u, &out.gradient);
    if (work.direction.empty()) {
      continue;
    }
    const Doubles s = Affine(work, work.direction, u);
    const bool noisy = !work.log_noise.empty();
    const std::vector<Wide> prior = SlopesOf(p, s, noisy), posterior = SlopesOf(r, s, noisy);
    Wide mean = 0;
    for (int64_t c = 0; c < classes; ++c) {
      mean += (p[c] - r[c]) * static_cast<Wide>(s[c]);
      dr[c] = static_cast<double>(weight / n * (p[c] * prior[c] - r[c] * posterior[c]));
      out.noise_cross[c * classes + label] -= static_cast<double>(weight / n * r[c] * posterior[c]);
    }
    AddOuter(work, dr, u, &out.tangent);
    out.cross.push_back(work.x.empty() ? 0 : static_cast<double>(weight * (1 - weight) / n * mean));
  }
  out.loss[0] = static_cast<double>(loss);
  return out;
}

// ---- running a pass -------------------------------------------------------------------------------

enum Wanted { kLoss = 1, kGradient = 2, kTangent = 4, kCross = 8, kEverything = 15 };

struct Results {
  Reals loss, gradient, tangent, cross, noise_cross;
  bool sparse = false;  // whether the device has the rows without their zeros
};

const ait_real kUntouched = 12345;

// Runs one pass; outputs that are not wanted, or that there is no direction for, stay empty. `active`
// -1: no flag. The workspace is filled with NaN first.
Results RunPass(Device &device, const Work &work, int wanted = kEverything, int active = -1) {
  if (work.direction.empty()) {
    wanted &= kLoss | kGradient;
  }
  const size_t noise = work.log_noise.size();
  const bool wants_noise = wanted & kTangent && noise > 0;
  const auto buffer = [&](const auto &values) {
    using T = typename std::decay_t<decltype(values)>::value_type;
    return std::make_unique<Buffer<T>>(device, values);
  };
  const size_t parameters = static_cast<size_t>(work.classes * (work.columns + 1));
  ait_matrix *matrix = nullptr;
  EXPECT_EQ(AIT_OK,
            ait_matrix_view(work.type, work.rows, work.columns, work.columns + work.gap, work.stored.data(), &matrix));
  ait_rows rows;
  EXPECT_EQ(AIT_OK, device->model->upload_rows(device.get(), matrix, AIT_READ_OFTEN, &rows));
  const auto scale = buffer(work.scale), shift = buffer(work.shift), x = buffer(work.x);
  const auto classifier = buffer(work.classifier), direction = buffer(work.direction);
  const auto labels = buffer(work.labels), folds = buffer(work.folds);
  const auto weights = buffer(work.weights), log_noise = buffer(work.log_noise);
  Buffer<ait_real> noise_cross(device, noise, kUntouched);
  Buffer<ait_real> loss(device, 1, kUntouched), gradient(device, parameters, kUntouched);
  Buffer<ait_real> tangent(device, parameters, kUntouched), cross(device, static_cast<size_t>(work.rows), kUntouched);
  Buffer<uint8_t> flag(device, 1, active == 1);
  ait_rows scaled = rows;
  scaled.scale = work.scale.empty() ? nullptr : scale->get();
  scaled.shift = work.shift.empty() ? nullptr : shift->get();
  const ait_pass pass = {&scaled,
                         labels->get(),
                         work.classes,
                         classifier->get(),
                         work.direction.empty() ? nullptr : direction->get(),
                         work.x.empty() ? nullptr : x->get(),
                         active < 0 ? nullptr : flag.get(),
                         wanted & kLoss ? loss.get() : nullptr,
                         wanted & kGradient ? gradient.get() : nullptr,
                         wanted & kTangent ? tangent.get() : nullptr,
                         wanted & kCross ? cross.get() : nullptr,
                         work.weights.empty() ? nullptr : weights->get(),
                         work.folds.empty() ? nullptr : folds->get(),
                         work.fold,
                         work.only_fold,
                         noise > 0 ? log_noise->get() : nullptr,
                         wants_noise ? noise_cross.get() : nullptr};
  Buffer<uint8_t> workspace(device, device->model->data_pass_workspace(device.get(), &pass), 0xff);
  EXPECT_EQ(AIT_OK, device->model->data_pass(device.get(), &pass, workspace.get())) << ait_last_error();
  Results results;
  results.loss = wanted & kLoss ? loss.Host() : Reals();
  results.gradient = wanted & kGradient ? gradient.Host() : Reals();
  results.tangent = wanted & kTangent ? tangent.Host() : Reals();
  results.cross = wanted & kCross ? cross.Host() : Reals();
  results.noise_cross = wants_noise ? noise_cross.Host() : Reals();
  results.sparse = rows.sparse != nullptr;
  device->model->release_rows(device.get(), &rows);
  ait_matrix_destroy(matrix);
  return results;
}

// Errors of a pass against the reference, relative in the 2-norm.
void ExpectClose(const Results &results, const Outputs &expected, double tolerance) {
  EXPECT_LE(RelativeError(results.loss, expected.loss), tolerance) << "loss";
  EXPECT_LE(RelativeError(results.gradient, expected.gradient), tolerance) << "G";
  if (!results.tangent.empty()) {
    EXPECT_LE(RelativeError(results.tangent, expected.tangent), tolerance) << "dG";
    EXPECT_LE(RelativeError(results.cross, expected.cross), tolerance) << "cross term";
  }
  if (!results.noise_cross.empty()) {
    EXPECT_LE(RelativeError(results.noise_cross, expected.noise_cross), tolerance) << "cross terms of the noise";
  }
}

void ExpectSameBits(const Results &expected, const Results &results) {
  EXPECT_TRUE(SameBits(expected.loss, results.loss)) << "loss";
  EXPECT_TRUE(SameBits(expected.gradient, results.gradient)) << "G";
  EXPECT_TRUE(SameBits(expected.tangent, results.tangent)) << "dG";
  EXPECT_TRUE(SameBits(expected.cross, results.cross)) << "cross term";
  EXPECT_TRUE(SameBits(expected.noise_cross, results.noise_cross)) << "cross terms of the noise";
}

// Few rows with logits around 1: rounding of a logit (a few epsilon) passes into P, and sums of few
// residuals do not average it out.
const double kSmallTolerance = 32 * kEpsilon;

// ---- tests ----------------------------------------------------------------------------------------

TEST_P(DataPassTest, EveryShapeMatchesTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  constexpr int64_t kMostProducts = 2100000;  // keeps the reference fast
  for (int64_t classes : {2, 3, 10, 11, 100}) {
    for (int64_t columns : {1, 5, 70, 784}) {
      for (int64_t rows : {1, 2, 31, 32, 33, 257, 1000}) {
        if (classes * columns * rows <= kMostProducts) {
          SCOPED_TRACE(testing::Message() << "N " << rows << ", D " << columns << ", C " << classes);
          const Work work = MakeWork(AIT_U8, rows, columns, classes, kAllParts);
          ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
        }
      }
    }
  }
}

TEST_P(DataPassTest, EveryNumberOfClassesInAGroup) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t classes = 2; classes <= 23; ++classes) {
    SCOPED_TRACE(testing::Message() << "C " << classes);
    const Work work = MakeWork(AIT_U8, 65, 83, classes, kAllParts);
    ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
  }
}

TEST_P(DataPassTest, ManyColumnsMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work work = MakeWork(AIT_U8, 70, 3072, 10, kAllParts);
  ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
}

TEST_P(DataPassTest, EveryTypeWithAndWithoutEachPart) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (ait_type type : {AIT_U8, AIT_I32, AIT_I64, AIT_F16, AIT_F32, AIT_F64}) {
    for (int64_t columns : {37, 64}) {
      for (int parts = 0; parts <= kAllParts; ++parts) {
        SCOPED_TRACE(testing::Message() << ait_type_name(type) << ", D " << columns << ", parts " << parts);
        const Work work = MakeWork(type, 67, columns, 5, parts);
        ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
      }
    }
  }
}

TEST_P(DataPassTest, RowsMayStandApart) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (ait_type type : {AIT_U8, AIT_F16, AIT_F32, AIT_F64}) {
    for (int64_t columns : {37, 64}) {
      SCOPED_TRACE(testing::Message() << ait_type_name(type) << ", D " << columns);
      const Work work = MakeWork(type, 35, columns, 4, kAllParts, 3);
      ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
    }
  }
}

// Pictures: kernels of the CPU may leave vectors of zeros out, and then do so for all of these shapes.
TEST_P(DataPassTest, RowsWithManyZerosMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  int shapes = 0, sparse = 0;
  struct Shape {
    int64_t rows, columns, classes, gap;
  };
  for (const Shape &shape : {Shape{256, 64, 3, 0}, Shape{257, 83, 10, 3}, Shape{1000, 70, 2, 0}, Shape{300, 784, 10, 0},
                             Shape{290, 200, 23, 1}, Shape{256, 1100, 5, 0}}) {
    SCOPED_TRACE(testing::Message() << "N " << shape.rows << ", D " << shape.columns << ", C " << shape.classes);
    Work work = MakeWork(AIT_U8, shape.rows, shape.columns, shape.classes, kAllParts, shape.gap);
    MakePictures(&work);
    const Results results = RunPass(device, work);
    ExpectClose(results, Reference(work), kSmallTolerance);
    ++shapes;
    sparse += results.sparse;
    AddNoise(&work);
    AddFolds(&work, 2, false);
    ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
  }
  if (sparse == 0) {
    GTEST_SKIP() << "matches, but this kernel reads zeros too";
  }
  EXPECT_EQ(shapes, sparse);
}

TEST_P(DataPassTest, ZerosHideNeitherNanNorInfinity) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_U8, 300, 70, 3, kAllParts);
  MakePictures(&work);
  const Work sound = work;
  for (ait_real bad : {kNan, kInfinity}) {
    for (size_t place = 0; place < 70; place += 3) {
      SCOPED_TRACE(testing::Message() << bad << " at " << place);
      work = sound;
      work.classifier[70 + place] = bad;
      EXPECT_FALSE(std::isfinite(RunPass(device, work).loss[0]));
      work = sound;
      work.direction[70 + place] = bad;
      EXPECT_FALSE(std::isfinite(RunPass(device, work).cross[8]));
    }
  }
}

TEST_P(DataPassTest, ZerosDoNotChangeTheBitsWithThreads) {
  Work work = MakeWork(AIT_U8, 3000, 70, 11, kAllParts);
  MakePictures(&work);
  AIT_OPEN_DEVICE(one, GetParam(), 1);
  const Results expected = RunPass(one, work);
  for (int32_t threads : {2, 5}) {
    SCOPED_TRACE(testing::Message() << "threads " << threads);
    AIT_OPEN_DEVICE(device, GetParam(), threads);
    const Results results = RunPass(device, work);
    ExpectSameBits(expected, results);
  }
}

// More rows than a slot of sums takes in one block, on every device.
TEST_P(DataPassTest, ManyRowsMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work work = MakeWork(AIT_U8, 40000, 66, 3, kAllParts);
  ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
}

// The size of a real job. What float can do here is known (a relative error of 3e-8 to 2e-7); a
// kernel that sums badly fails.
TEST_P(DataPassTest, ARealJobIsAccurate) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work work = MakeWork(AIT_U8, 2000, 784, 10, kScale | kWeights | kDirection);
  ExpectClose(RunPass(device, work), Reference(work), kDouble ? 1e-14 : 3e-7);
}

TEST_P(DataPassTest, AnOutputIsTheSameWhateverElseIsWanted) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work work = MakeWork(AIT_U8, 300, 70, 11, kAllParts);
  const Results all = RunPass(device, work);
  for (int wanted = 0; wanted < kEverything; ++wanted) {
    SCOPED_TRACE(testing::Message() << "wanted " << wanted);
    const Results some = RunPass(device, work, wanted);
    EXPECT_TRUE(SameBits(some.loss, wanted & kLoss ? all.loss : Reals()));
    EXPECT_TRUE(SameBits(some.gradient, wanted & kGradient ? all.gradient : Reals()));
    EXPECT_TRUE(SameBits(some.tangent, wanted & kTangent ? all.tangent : Reals()));
    EXPECT_TRUE(SameBits(some.cross, wanted & kCross ? all.cross : Reals()));
  }
}

TEST_P(DataPassTest, TheBitsDoNotDependOnThreads) {
  for (int64_t rows : {33, 700, 5000}) {
    const Work work = MakeWork(AIT_U8, rows, 70, 11, kAllParts);
    AIT_OPEN_DEVICE(one, GetParam(), 1);
    const Results expected = RunPass(one, work);
    for (int32_t threads : {1, 2, 3, 5}) {
      SCOPED_TRACE(testing::Message() << "N " << rows << ", threads " << threads);
      AIT_OPEN_DEVICE(device, GetParam(), threads);
      const Results results = RunPass(device, work);
      ExpectSameBits(expected, results);
    }
  }
}

// ---- weights, folds and noisy labels ----------------------------------------------------------------

TEST_P(DataPassTest, NoisyLabelsMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  constexpr int64_t kMostProducts = 300000;  // keeps the reference fast
  for (int64_t classes : {2, 3, 10, 11, 100}) {
    for (int64_t columns : {5, 70}) {
      for (int64_t rows : {classes < 100 ? 1 : 17, 33, 257}) {  // <P,S> - <r,S> of a single row may cancel to 1/150
        if (classes * columns * rows <= kMostProducts) {
          SCOPED_TRACE(testing::Message() << "N " << rows << ", D " << columns << ", C " << classes);
          Work work = MakeWork(AIT_U8, rows, columns, classes, kAllParts);
          AddNoise(&work);
          ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
        }
      }
    }
  }
}

// Few classes, those that a device may compose the pass of matrix products for, and such a noise model.
void ExpectFoldsMatch(Device &device, bool weighted) {
  for (int64_t classes : {3, 40}) {
    for (int noisy : {0, 1}) {
      for (int only : {0, 1}) {
        SCOPED_TRACE(testing::Message() << "C " << classes << ", noisy " << noisy << ", only one fold " << only);
        Work work = MakeWork(AIT_U8, 300, 70, classes, kAllParts);
        AddFolds(&work, 2, only);
        if (noisy) {
          AddNoise(&work);
        }
        if (weighted) {
          AddWeights(&work);
        }
        const Results results = RunPass(device, work);
        ExpectClose(results, Reference(work), kSmallTolerance);
        for (int64_t i = 0; i < work.rows; ++i) {
          EXPECT_TRUE(!IsLeftOut(work, i) || results.cross[i] == 0) << i;
        }
      }
    }
  }
}

TEST_P(DataPassTest, FoldsMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  ExpectFoldsMatch(device, false);
}

TEST_P(DataPassTest, FoldsAndWeightsMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  ExpectFoldsMatch(device, true);
}

// What a left-out row holds does not matter at all.
TEST_P(DataPassTest, RowsLeftOutWeighNothing) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_F32, 90, 37, 4, kAllParts);
  AddNoise(&work);
  AddFolds(&work, 1, false);
  const Results expected = RunPass(device, work);
  for (int64_t i = 0; i < work.rows; ++i) {
    if (IsLeftOut(work, i)) {
      work.labels[i] = (work.labels[i] + 1) % 4;
      work.x[i] = 50;
      std::memset(&work.stored[i * 37 * sizeof(float)], 0, 37 * sizeof(float));
    }
  }
  const Results results = RunPass(device, work);
  EXPECT_TRUE(SameBits(expected.loss, results.loss));
  EXPECT_TRUE(SameBits(expected.gradient, results.gradient));
  EXPECT_TRUE(SameBits(expected.tangent, results.tangent));
  EXPECT_TRUE(SameBits(expected.noise_cross, results.noise_cross));
}

// Right labels are the noise model whose chances are 1 and 0.
TEST_P(DataPassTest, NoNoiseIsPlainCrossEntropy) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work plain = MakeWork(AIT_U8, 300, 70, 5, kAllParts);
  Work work = plain;
  work.log_noise.assign(25, -kInfinity);
  for (int c = 0; c < 5; ++c) {
    work.log_noise[c * 6] = 0;
  }
  Results results = RunPass(device, work);
  for (ait_real cross : results.noise_cross) {
    EXPECT_LE(std::fabs(static_cast<double>(cross)), 1e-30);  // a chance of 0 may be the smallest number
  }
  results.noise_cross.clear();
  ExpectClose(results, Reference(plain), kSmallTolerance);
}

// P and r within 1e-6 of 1: their difference must keep its digits.
TEST_P(DataPassTest, NoisyResidualsOfSureRowsKeepTheirDigits) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_F64, 50, 3, 4, kWeights | kDirection);
  AddNoise(&work);
  work.labels.assign(50, 2);
  work.classifier[12 + 2] = 14;
  ExpectClose(RunPass(device, work), Reference(work), 64 * kEpsilon);
  work.labels.assign(50, 1);  // sure of another class than the label's
  ExpectClose(RunPass(device, work), Reference(work), 64 * kEpsilon);
}

TEST_P(DataPassTest, NoisyLabelsGiveTheSameBitsOnAnyThreads) {
  Work work = MakeWork(AIT_U8, 5000, 70, 11, kAllParts);
  AddNoise(&work);
  AIT_OPEN_DEVICE(one, GetParam(), 1);
  const Results expected = RunPass(one, work), gradient = RunPass(one, work, kGradient);
  EXPECT_TRUE(SameBits(expected.gradient, gradient.gradient));
  for (int32_t threads : {2, 5}) {
    SCOPED_TRACE(testing::Message() << "threads " << threads);
    AIT_OPEN_DEVICE(device, GetParam(), threads);
    const Results results = RunPass(device, work);
    ExpectSameBits(expected, results);
  }
}

TEST_P(DataPassTest, AnInactiveNoisyPassWritesOnlyZeroCrossTerms) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_U8, 40, 5, 3, kAllParts);
  AddNoise(&work);
  const Results off = RunPass(device, work, kEverything, 0), on = RunPass(device, work, kEverything, 1);
  EXPECT_EQ(Reals(40, 0), off.cross);
  EXPECT_EQ(Reals(9, 0), off.noise_cross);
  EXPECT_EQ(Reals(1, kUntouched), off.loss);
  EXPECT_EQ(Reals(18, kUntouched), off.gradient);
  EXPECT_EQ(Reals(18, kUntouched), off.tangent);
  ExpectClose(on, Reference(work), kSmallTolerance);
}

TEST_P(DataPassTest, NoisyLabelsHideNeitherNanNorInfinity) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (ait_real bad : {kNan, kInfinity}) {
    for (size_t place : {size_t{0}, size_t{69}, size_t{75}, size_t{210}}) {
      SCOPED_TRACE(testing::Message() << bad << " at " << place);
      Work work = MakeWork(AIT_U8, 40, 70, 3, kAllParts);
      AddNoise(&work);
      work.classifier[place] = bad;
      EXPECT_FALSE(std::isfinite(RunPass(device, work).loss[0]));
    }
  }
}

// Few classes, and so many that a device may compose the pass of matrix products.
TEST_P(DataPassTest, AnInactivePassWritesOnlyZeroCrossTerms) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t classes : {3, 100}) {
    const Work work = MakeWork(AIT_U8, 40, 5, classes, kAllParts);
    const Results off = RunPass(device, work, kEverything, 0), on = RunPass(device, work, kEverything, 1);
    const size_t parameters = static_cast<size_t>(6 * classes);
    EXPECT_EQ(Reals(40, 0), off.cross);
    EXPECT_EQ(Reals(1, kUntouched), off.loss);
    EXPECT_EQ(Reals(parameters, kUntouched), off.gradient);
    EXPECT_EQ(Reals(parameters, kUntouched), off.tangent);
    const Results plain = RunPass(device, work);
    EXPECT_TRUE(SameBits(plain.loss, on.loss));
    EXPECT_TRUE(SameBits(plain.gradient, on.gradient));
    EXPECT_TRUE(SameBits(plain.tangent, on.tangent));
    EXPECT_TRUE(SameBits(plain.cross, on.cross));
  }
}

// More rows than any device takes at once.
TEST_P(DataPassTest, ManyClassesAndSeveralChunksOfRows) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work work = MakeWork(AIT_U8, device->model->row_chunk + 700, 3, 40, kAllParts);
  ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
}

// Classifiers so large that the CPU runs the pass by matrix products, on every kind of rows.
constexpr int64_t kWideClasses = 103, kWideColumns = 1913;
const double kWideTolerance = 64 * kEpsilon;  // sums over more columns than above

TEST_P(DataPassTest, WideClassifiersMatchTheReference) {
  AIT_OPEN_DEVICE(device, GetParam());
  if (GetParam().cuda) {
    GTEST_SKIP() << "blocks of the CPU's pass";
  }
  for (ait_type type : {AIT_U8, AIT_F16, AIT_F32, AIT_F64}) {
    for (int64_t rows : {1, 33}) {
      for (int parts : {0, int{kAllParts}}) {
        SCOPED_TRACE(testing::Message() << ait_type_name(type) << ", N " << rows << ", parts " << parts);
        const Work work = MakeWork(type, rows, kWideColumns, kWideClasses, parts, 3);
        ExpectClose(RunPass(device, work), Reference(work), kWideTolerance);
      }
    }
  }
  const Work work = MakeWork(AIT_F32, 300, 401, 513, kAllParts);  // several tiles either way
  ExpectClose(RunPass(device, work), Reference(work), kWideTolerance);
}

// The rows begin .. end - 1 of a work.
Work RowsOf(const Work &work, int64_t begin, int64_t end) {
  Work part = work;
  const size_t row = work.stored.size() / static_cast<size_t>(work.rows);
  part.rows = end - begin;
  part.stored.assign(work.stored.begin() + begin * row, work.stored.begin() + end * row);
  part.labels.assign(work.labels.begin() + begin, work.labels.begin() + end);
  part.x.assign(work.x.begin() + begin, work.x.begin() + end);
  return part;
}

// Whether wide classifiers go through matrix products here; other versions keep to their kernels, which the tests above
// hold to the same.
bool HasWidePass(const DeviceCase &device_case) {
  return device_case.name == "cpu_v3" || device_case.name == "cpu_v4" || device_case.name == "cpu_amx";
}

// More rows than go through the matrix products at once: the mean over all is that of the means over two
// parts, which are computed in another way only as far as rows go.
TEST_P(DataPassTest, WideClassifiersAndManyRowsAddUp) {
  AIT_OPEN_DEVICE(device, GetParam());
  if (!HasWidePass(GetParam())) {
    GTEST_SKIP() << "no matrix products in the pass of this version";
  }
  const int64_t rows = 4200, middle = 1000;
  const Work work = MakeWork(AIT_F16, rows, kWideColumns, kWideClasses, kAllParts);
  const Results all = RunPass(device, work);
  const Results parts[] = {RunPass(device, RowsOf(work, 0, middle)), RunPass(device, RowsOf(work, middle, rows))};
  const double share[] = {static_cast<double>(middle) / rows, static_cast<double>(rows - middle) / rows};
  Outputs expected;
  expected.gradient = expected.tangent = Doubles(all.gradient.size(), 0);
  for (int p = 0; p < 2; ++p) {
    expected.loss[0] += share[p] * static_cast<double>(parts[p].loss[0]);
    for (size_t k = 0; k < all.gradient.size(); ++k) {
      expected.gradient[k] += share[p] * static_cast<double>(parts[p].gradient[k]);
      expected.tangent[k] += share[p] * static_cast<double>(parts[p].tangent[k]);
    }
    for (ait_real cross : parts[p].cross) {
      expected.cross.push_back(share[p] * static_cast<double>(cross));
    }
  }
  ExpectClose(all, expected, kWideTolerance);
}

TEST_P(DataPassTest, WideClassifiersGiveTheSameBitsOnAnyThreads) {
  if (!HasWidePass(GetParam())) {
    GTEST_SKIP() << "no matrix products in the pass of this version";
  }
  const Work work = MakeWork(AIT_F32, 2300, kWideColumns, kWideClasses, kAllParts);
  AIT_OPEN_DEVICE(one, GetParam(), 1);
  const Results expected = RunPass(one, work);
  for (int32_t threads : {2, 3}) {
    SCOPED_TRACE(testing::Message() << "threads " << threads);
    AIT_OPEN_DEVICE(device, GetParam(), threads);
    const Results results = RunPass(device, work), gradient = RunPass(device, work, kGradient);
    EXPECT_TRUE(SameBits(expected.loss, results.loss));
    EXPECT_TRUE(SameBits(expected.gradient, results.gradient));
    EXPECT_TRUE(SameBits(expected.gradient, gradient.gradient));
    EXPECT_TRUE(SameBits(expected.tangent, results.tangent));
    EXPECT_TRUE(SameBits(expected.cross, results.cross));
  }
}

TEST_P(DataPassTest, NanAndInfinityAreNeverHiddenByWideClassifiers) {
  AIT_OPEN_DEVICE(device, GetParam());
  if (GetParam().cuda) {
    GTEST_SKIP() << "blocks of the CPU's pass";
  }
  Work good = MakeWork(AIT_F32, 40, kWideColumns, kWideClasses, kAllParts);
  good.labels.assign(40, 2);
  const size_t biases = static_cast<size_t>(kWideClasses * kWideColumns);
  for (ait_real bad : {kNan, kInfinity, -kInfinity}) {
    for (size_t place : {size_t{0}, size_t{2 * kWideColumns + 70}, biases - 1}) {
      SCOPED_TRACE(testing::Message() << bad << " at " << place);
      Work work = good;
      work.classifier[place] = bad;
      EXPECT_FALSE(std::isfinite(RunPass(device, work).loss[0]));
      work = good;
      work.direction[place] = bad;
      const Results results = RunPass(device, work);
      EXPECT_FALSE(std::isfinite(results.tangent[place]));
      EXPECT_TRUE(std::isfinite(results.loss[0]));
    }
  }
  Work work = good;
  work.classifier[biases] = kNan;
  EXPECT_TRUE(std::isnan(RunPass(device, work).gradient[0]));
  work = good;
  work.x[39] = kNan;
  EXPECT_TRUE(std::isnan(RunPass(device, work).gradient[0]));
}

// Logits of +-1000: P is 0 or 1 to every digit, yet the loss of a wrong row is the logits' difference.
TEST_P(DataPassTest, LargeLogitsGiveLargeFiniteLosses) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_F32, 33, 1, 2, 0);
  std::vector<float> ones(33, 1);
  std::memcpy(work.stored.data(), ones.data(), work.stored.size());
  work.classifier = {1000, -1000, 0, 0};
  work.labels.assign(33, 1);
  const Results results = RunPass(device, work);
  EXPECT_NEAR(2000, static_cast<double>(results.loss[0]), 1e-3);
  EXPECT_NEAR(1, static_cast<double>(results.gradient[0]), 1e-6);
  EXPECT_NEAR(-1, static_cast<double>(results.gradient[1]), 1e-6);
}

// P_y within 1e-6 of 1: 1 - P_y must keep its digits, or converged runs would stand still.
TEST_P(DataPassTest, ResidualsOfSureRowsKeepTheirDigits) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_F64, 50, 3, 4, kWeights | kDirection);
  work.labels.assign(50, 2);
  work.classifier[12 + 2] = 14;
  ExpectClose(RunPass(device, work), Reference(work), 64 * kEpsilon);
}

TEST_P(DataPassTest, ExtremeWeightsStayFinite) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_U8, 40, 6, 3, kAllParts);
  for (size_t i = 0; i < work.x.size(); ++i) {
    work.x[i] = static_cast<ait_real>(i % 2 == 0 ? 1 : -1) * static_cast<ait_real>(i < 20 ? 20 : 1000);
  }
  const Results results = RunPass(device, work);
  ExpectClose(results, Reference(work), kDouble ? 1e-10 : kSmallTolerance);  // long double: 1 - w has 10 digits
  for (int i = 20; i < 40; ++i) {
    EXPECT_LE(std::fabs(static_cast<double>(results.cross[i])), 1e-37);
  }
}

TEST_P(DataPassTest, NanAndInfinityAreNeverHidden) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (ait_real bad : {kNan, kInfinity, -kInfinity}) {
    for (size_t place : {size_t{0}, size_t{7}, size_t{15}}) {
      Work work = MakeWork(AIT_F32, 40, 5, 3, kDirection);
      const std::vector<float> positive(200, 1.5f);
      std::memcpy(work.stored.data(), positive.data(), work.stored.size());
      work.labels.assign(40, 1);
      work.classifier[place] = bad;
      const Results results = RunPass(device, work);
      const bool certain_zero = bad == -kInfinity && (place < 5 || place == 15);
      EXPECT_EQ(certain_zero, std::isfinite(results.loss[0])) << bad << " at " << place;
    }
  }
  Work work = MakeWork(AIT_U8, 40, 5, 3, kAllParts);
  work.direction[3] = kNan;
  EXPECT_TRUE(std::isnan(RunPass(device, work).tangent[0]));
  work = MakeWork(AIT_U8, 40, 5, 3, kAllParts);
  work.x[39] = kNan;
  EXPECT_TRUE(std::isnan(RunPass(device, work).loss[0]));
}

// Pixels may be held in fixed point, which knows neither NaN nor infinity.
TEST_P(DataPassTest, NanAndInfinityAreNeverHiddenByPixels) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work good = MakeWork(AIT_U8, 40, 70, 3, kAllParts);
  for (ait_real bad : {kNan, kInfinity, -kInfinity}) {
    for (size_t place : {size_t{0}, size_t{69}, size_t{75}, size_t{209}}) {
      SCOPED_TRACE(testing::Message() << bad << " at " << place);
      Work work = good;
      work.classifier[place] = bad;
      EXPECT_FALSE(std::isfinite(RunPass(device, work).loss[0]));
      work = good;
      work.direction[place] = bad;
      const Results results = RunPass(device, work);
      EXPECT_FALSE(std::isfinite(results.tangent[place]));
      EXPECT_TRUE(std::isfinite(results.loss[0]));
    }
  }
  Work work = good;
  work.classifier[210] = kNan;
  EXPECT_TRUE(std::isnan(RunPass(device, work).gradient[0]));
  work = good;
  work.direction[211] = kNan;
  EXPECT_TRUE(std::isnan(RunPass(device, work).tangent[70]));
  work = good;
  work.x[39] = kNan;
  EXPECT_TRUE(std::isnan(RunPass(device, work).gradient[0]));
}

// Numbers at the ends of their range: a class far smaller or larger than the others keeps its digits.
TEST_P(DataPassTest, ClassesOfVeryDifferentSizeKeepTheirDigits) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work = MakeWork(AIT_U8, 100, 70, 3, kScale | kWeights | kDirection);
  for (int j = 0; j < 70; ++j) {
    work.classifier[70 + j] *= static_cast<ait_real>(1e-20);
    work.direction[j] *= static_cast<ait_real>(1e15);
    work.direction[140 + j] = 0;
  }
  const Outputs expected = Reference(work);
  ExpectClose(RunPass(device, work), expected, kSmallTolerance);
  for (ait_real &number : work.direction) {
    number *= static_cast<ait_real>(1e-30);
  }
  ExpectClose(RunPass(device, work), Reference(work), kSmallTolerance);
}

TEST_P(DataPassTest, ATangentWithoutDirectionIsRefused) {
  AIT_OPEN_DEVICE(device, GetParam());
  const Work work = MakeWork(AIT_U8, 2, 3, 2, 0);
  Buffer<ait_real> classifier(device, work.classifier), out(device, 8, 0);
  Buffer<int32_t> labels(device, work.labels);
  Buffer<uint8_t> stored(device, work.stored);
  const ait_rows rows = {AIT_U8, 2, 3, 3, stored.get(), nullptr, nullptr, nullptr};
  ait_pass pass = {};
  pass.rows = &rows;
  pass.labels = labels.get();
  pass.classes = 2;
  pass.classifier = classifier.get();
  pass.tangent = out.get();
  Buffer<uint8_t> workspace(device, device->model->data_pass_workspace(device.get(), &pass), 0);
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->data_pass(device.get(), &pass, workspace.get()));
  std::swap(pass.tangent, pass.cross);
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->data_pass(device.get(), &pass, workspace.get()));
  std::swap(pass.cross, pass.noise_cross);
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->data_pass(device.get(), &pass, workspace.get()));
}

TEST_P(DataPassTest, WeightsOfTwoKindsAreRefused) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> out(device, 1, kUntouched);
  const ait_rows rows = {AIT_U8, 2, 3, 3, nullptr, nullptr, nullptr, nullptr};
  ait_pass pass = {};
  pass.rows = &rows;
  pass.classes = 2;
  pass.x = pass.weights = pass.loss = out.get();
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->data_pass(device.get(), &pass, nullptr));
  EXPECT_NE(nullptr, std::strstr(ait_last_error(), "not by both")) << ait_last_error();
}

TEST_P(DataPassTest, APassOverNothingIsRefused) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> out(device, 1, kUntouched);
  for (const ait_rows &rows : {ait_rows{AIT_U8, 0, 3, 3, nullptr, nullptr, nullptr, nullptr},
                               ait_rows{AIT_U8, 3, 0, 0, nullptr, nullptr, nullptr, nullptr}}) {
    ait_pass pass = {};
    pass.rows = &rows;
    pass.classes = 2;
    pass.loss = out.get();
    EXPECT_EQ(AIT_INVALID_ARGUMENT, device->model->data_pass(device.get(), &pass, nullptr));
    EXPECT_NE(nullptr, std::strstr(ait_last_error(), "at least 1")) << ait_last_error();
  }
}

// dG is the derivative of G along the direction, and cross_i that of <G, V> by x_i: central
// differences of the pass itself, where double leaves digits for them.
TEST_P(DataPassTest, TangentAndCrossAreDerivativesOfTheGradient) {
  if (!kDouble) {
    GTEST_SKIP() << "float leaves too few digits for differences";
  }
  AIT_OPEN_DEVICE(device, GetParam());
  const Work work = MakeWork(AIT_U8, 50, 17, 6, kAllParts);
  const Results exact = RunPass(device, work);
  const double h = 1e-5;
  Doubles difference(exact.tangent.size(), 0);
  for (int sign : {-1, 1}) {
    Work moved = work;
    for (size_t k = 0; k < moved.classifier.size(); ++k) {
      moved.classifier[k] += static_cast<ait_real>(sign * h) * moved.direction[k];
    }
    const Results results = RunPass(device, moved);
    for (size_t k = 0; k < difference.size(); ++k) {
      difference[k] += sign * static_cast<double>(results.gradient[k]) / (2 * h);
    }
  }
  EXPECT_LE(RelativeError(exact.tangent, difference), 1e-8);
  for (int i : {0, 31, 32, 49}) {
    double slope = 0;
    for (int sign : {-1, 1}) {
      Work moved = work;
      moved.x[i] += static_cast<ait_real>(sign * h);
      const Results results = RunPass(device, moved);
      for (size_t k = 0; k < difference.size(); ++k) {
        slope += sign * static_cast<double>(results.gradient[k]) * static_cast<double>(work.direction[k]) / (2 * h);
      }
    }
    EXPECT_NEAR(slope, static_cast<double>(exact.cross[i]), 1e-9) << "row " << i;
  }
}

}  // namespace
}  // namespace device_tests
