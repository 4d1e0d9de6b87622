/* test_data_pass_versions.cc - how accurate every version of the CPU's data pass is, at the start of a run
 * and after 1,000 LL gradient steps, when G has become small against the terms that it is the sum of.
 *
 * A textbook program of the pass is written once, as a template. In long double it is the reference; in
 * ait_real, value by value in the order of the formulas, it is what "plain float32" means here. Both, and
 * the version under test, are asked at the same iterate, which the version's own steps have led to.
 *
 * Rounding errors are random: those of one pass over one row may be zero by luck. What is compared is the
 * root of the mean square of the relative errors over some draws of the data, more of them where a draw has
 * fewer rows; double has digits to spare, and takes one draw. */
#include <algorithm>

#include "device_cases.h"

namespace device_tests {
namespace {

/* ---- data ----------------------------------------------------------------------------------------- */

struct Shape {
  int64_t rows, columns, classes;
};

/* No number of columns or classes is a multiple of a vector, of a tile or of a group of classes; the rows
 * are one, and one more than a block of the vector versions (32 rows) and of AMX (512) has. */
const std::vector<Shape> kShapes = {{1, 70, 11},   {33, 70, 11}, {513, 70, 11}, {1, 785, 3},   {33, 785, 3},
                                    {513, 785, 3}, {1, 100, 33}, {33, 100, 33}, {513, 100, 33}};

/* What a pass reads. Every class has an average row of its own, so that LL steps find something to learn. */
struct Job {
  ait_type type;
  Shape shape;
  std::vector<uint8_t> stored;
  std::vector<double> numbers; /* what is stored, before scale and shift */
  Reals scale, shift, x, direction;
  std::vector<int32_t> labels;
};

/* The bits of the IEEE half that is k / 1024, |k| <= 1024. */
uint16_t HalfOf(long k) {
  int exponent;
  const double mantissa = std::frexp(std::fabs(static_cast<double>(k)), &exponent);  // in 0.5 .. 1, or 0
  const int bits = k == 0 ? 0 : (exponent - 1 - 10 + 15) << 10 | static_cast<int>((2 * mantissa - 1) * 1024);
  return static_cast<uint16_t>((k < 0 ? 0x8000 : 0) | bits);
}

/* Stores a feature of size 0 .. 1 and returns the number that is now stored. */
double Store(ait_type type, double value, std::vector<uint8_t> *bytes) {
  const auto append = [&](auto number) {
    const auto *raw = reinterpret_cast<const uint8_t *>(&number);
    bytes->insert(bytes->end(), raw, raw + sizeof number);
  };
  if (type == AIT_U8) {
    const auto pixel = static_cast<uint8_t>(std::lround(255 * value));
    append(pixel);
    return pixel;
  }
  if (type == AIT_F16) {
    const long k = std::lround(1024 * (value - 0.5));
    append(HalfOf(k));
    return static_cast<double>(k) / 1024;
  }
  const auto single = static_cast<float>(value - 0.5);
  append(single);
  return static_cast<double>(single);
}

Job MakeJob(ait_type type, const Shape &shape, uint64_t draw) {
  Job job = {type, shape, {}, {}, {}, {}, {}, {}, {}};
  std::mt19937_64 engine(draw * 1000003 + static_cast<uint64_t>(shape.rows * 1009 + shape.columns));
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> average(static_cast<size_t>(shape.classes * shape.columns));
  for (double &entry : average) {
    entry = uniform(engine);
  }
  job.labels = RandomLabels(engine(), shape.rows, shape.classes);
  for (int64_t i = 0; i < shape.rows; ++i) {
    for (int64_t j = 0; j < shape.columns; ++j) {
      const double near = 0.5 * average[job.labels[i] * shape.columns + j] + 0.5 * uniform(engine);
      job.numbers.push_back(Store(type, engine() % 4 == 0 ? 0 : near, &job.stored));
    }
  }
  const double unit = type == AIT_U8 ? 1.0 / 255 : 1, size = 1 / std::sqrt(static_cast<double>(shape.columns));
  job.scale = RandomReals(engine(), shape.columns, 0.5 * unit, unit);
  job.shift = RandomReals(engine(), shape.columns, -0.5, 0.1);
  job.x = RandomReals(engine(), shape.rows, -4, 4);
  job.direction = RandomReals(engine(), shape.classes * (shape.columns + 1), -size, size);
  return job;
}

/* PyTorch's start of a layer: uniform in +-1 / sqrt(columns). */
Reals Start(const Job &job, uint64_t draw) {
  const double size = 1 / std::sqrt(static_cast<double>(job.shape.columns));
  return RandomReals(draw + 77, job.shape.classes * (job.shape.columns + 1), -size, size);
}

/* ---- the textbook's program ----------------------------------------------------------------------- */

template <class Number>
struct Pass {
  Number loss = 0;
  std::vector<Number> gradient, tangent, cross;
};

template <class Number>
class Textbook {
 public:
  explicit Textbook(const Job &job) : job_(job) {}

  Pass<Number> operator()(const Reals &classifier) const {
    const int64_t classes = job_.shape.classes;
    const auto n = static_cast<Number>(job_.shape.rows);
    Pass<Number> out;
    out.gradient.resize(classifier.size());
    out.tangent.resize(classifier.size());
    for (int64_t i = 0; i < job_.shape.rows; ++i) {
      const Row u = Values(i);
      Row p = Logits(classifier, u), s = Logits(job_.direction, u);
      const int32_t label = job_.labels[i];
      const Number weight = 1 / (1 + std::exp(-static_cast<Number>(job_.x[i])));
      out.loss += weight * CrossEntropy(label, &p) / n;
      Number mean = 0, cross = 0;
      for (int64_t c = 0; c < classes; ++c) {
        mean += p[c] * s[c];
      }
      for (int64_t c = 0; c < classes; ++c) {
        const Number residual = p[c] - static_cast<Number>(c == label);
        cross += residual * s[c];
        s[c] = weight * p[c] * (s[c] - mean) / n;
        p[c] = weight * residual / n;
      }
      AddOuter(p, u, &out.gradient);
      AddOuter(s, u, &out.tangent);
      out.cross.push_back(weight * (1 - weight) * cross / n);
    }
    return out;
  }

 private:
  using Row = std::vector<Number>;

  Row Values(int64_t i) const {
    Row u;
    for (int64_t j = 0; j < job_.shape.columns; ++j) {
      u.push_back(static_cast<Number>(job_.scale[j]) *
                      static_cast<Number>(job_.numbers[static_cast<size_t>(i * job_.shape.columns + j)]) +
                  static_cast<Number>(job_.shift[j]));
    }
    return u;
  }

  Row Logits(const Reals &classifier, const Row &u) const {
    Row logits;
    for (int64_t c = 0; c < job_.shape.classes; ++c) {
      Number sum = 0;
      for (size_t j = 0; j < u.size(); ++j) {
        sum += static_cast<Number>(classifier[c * u.size() + j]) * u[j];
      }
      logits.push_back(sum + static_cast<Number>(classifier[job_.shape.classes * u.size() + c]));
    }
    return logits;
  }

  /* The cross entropy of a row's logits, which become probabilities. */
  static Number CrossEntropy(int32_t label, Row *logits) {
    const Number largest = *std::max_element(logits->begin(), logits->end()), own = (*logits)[label];
    Number sum = 0;
    for (Number &entry : *logits) {
      entry = std::exp(entry - largest);
      sum += entry;
    }
    for (Number &entry : *logits) {
      entry /= sum;
    }
    return std::log(sum) + largest - own;
  }

  /* sum += r (u, 1)' */
  static void AddOuter(const Row &r, const Row &u, Row *sum) {
    for (size_t c = 0; c < r.size(); ++c) {
      for (size_t j = 0; j < u.size(); ++j) {
        (*sum)[c * u.size() + j] += r[c] * u[j];
      }
      (*sum)[r.size() * u.size() + c] += r[c];
    }
  }

  const Job &job_;
};

/* ---- the version under test ----------------------------------------------------------------------- */

/* The passes of one job on a device. */
class Runner {
 public:
  Runner(Device &device, const Job &job)
      : device_(device),
        job_(job),
        stored_(device, job.stored),
        scale_(device, job.scale),
        shift_(device, job.shift),
        x_(device, job.x),
        direction_(device, job.direction),
        classifier_(device, job.direction.size(), 0),
        gradient_(device, job.direction.size(), kNan),
        tangent_(device, job.direction.size(), kNan),
        loss_(device, 1, kNan),
        cross_(device, job.x.size(), kNan),
        labels_(device, job.labels),
        rows_{job.type,      job.shape.rows, job.shape.columns, job.shape.columns,
              stored_.get(), scale_.get(),   shift_.get(),      nullptr},
        all_(Everything(job)),
        workspace_(device, device->model->data_pass_workspace(device.get(), &all_), 0xff) {}

  Pass<ait_real> operator()(const Reals &classifier) {
    Run(all_, classifier);
    return {loss_.Host()[0], gradient_.Host(), tangent_.Host(), cross_.Host()};
  }

  /* y after `steps` LL gradient steps, of a length that the curvature of cross entropy allows. */
  Reals Descend(int steps, Reals y) {
    double norms = 0;
    for (size_t k = 0; k < job_.numbers.size(); ++k) {
      const size_t j = k % job_.scale.size();
      const double value = job_.numbers[k] * static_cast<double>(job_.scale[j]) + static_cast<double>(job_.shift[j]);
      norms += value * value;
    }
    const auto rate = static_cast<ait_real>(static_cast<double>(job_.shape.rows) / norms);
    ait_pass gradient = all_;
    gradient.direction = gradient.tangent = gradient.cross = nullptr;
    for (int k = 0; k < steps; ++k) {
      Run(gradient, y);
      const Reals g = gradient_.Host();
      for (size_t i = 0; i < y.size(); ++i) {
        y[i] -= rate * g[i];
      }
    }
    return y;
  }

 private:
  ait_pass Everything(const Job &job) {
    ait_pass pass = {};
    pass.rows = &rows_;
    pass.labels = labels_.get();
    pass.classes = job.shape.classes;
    pass.classifier = classifier_.get();
    pass.direction = direction_.get();
    pass.x = x_.get();
    pass.loss = loss_.get();
    pass.gradient = gradient_.get();
    pass.tangent = tangent_.get();
    pass.cross = cross_.get();
    return pass;
  }

  void Run(const ait_pass &pass, const Reals &classifier) {
    ASSERT_EQ(AIT_OK, device_->runtime->copy_in(device_.get(), classifier.size() * sizeof(ait_real), classifier.data(),
                                                classifier_.get()));
    ASSERT_EQ(AIT_OK, device_->model->data_pass(device_.get(), &pass, workspace_.get())) << ait_last_error();
  }

  Device &device_;
  const Job &job_;
  Buffer<uint8_t> stored_;
  Buffer<ait_real> scale_, shift_, x_, direction_, classifier_, gradient_, tangent_, loss_, cross_;
  Buffer<int32_t> labels_;
  ait_rows rows_;
  ait_pass all_;
  Buffer<uint8_t> workspace_;
};

/* ---- errors --------------------------------------------------------------------------------------- */

enum Part { kLoss, kGradient, kTangent, kCross, kPartCount };
const char *const kPartNames[] = {"loss", "G", "dG", "cross terms"};

/* Relative errors of each part: the root of their mean square over draws. */
class Errors {
 public:
  template <class Number>
  void Add(const Pass<Number> &pass, const Pass<long double> &exact) {
    ++draws_;
    Square(kLoss, RelativeError(std::vector<Number>{pass.loss}, std::vector<long double>{exact.loss}));
    Square(kGradient, RelativeError(pass.gradient, exact.gradient));
    Square(kTangent, RelativeError(pass.tangent, exact.tangent));
    Square(kCross, RelativeError(pass.cross, exact.cross));
  }
  double operator[](Part part) const {
    return std::sqrt(squares_[part] / draws_);
  }

 private:
  void Square(Part part, double error) {
    squares_[part] += error * error;
  }
  double squares_[kPartCount] = {0, 0, 0, 0};
  int draws_ = 0;
};

struct VersionCase {
  DeviceCase device;
  ait_type type;
};

void PrintTo(const VersionCase &version, std::ostream *out) {
  *out << version.device.name << " on rows of " << ait_type_name(version.type);
}

std::vector<VersionCase> Versions() {
  std::vector<VersionCase> versions;
  for (const DeviceCase &device : DataPassDevices()) {
    for (ait_type type : {AIT_U8, AIT_F16, AIT_F32}) {
      if (!device.cuda) {
        versions.push_back({device, type});
      }
    }
  }
  return versions;
}

class DataPassVersions : public testing::TestWithParam<VersionCase> {};
INSTANTIATE_TEST_SUITE_P(Versions, DataPassVersions, testing::ValuesIn(Versions()), [](const auto &tested) {
  return tested.param.device.name + "_" + ait_type_name(tested.param.type);
});

/* Shapes to take many LL steps on. Rows of u8 take all: AMX multiplies them as bytes. Every other pass runs
 * on the floats that rows of any type are converted to, so that u8 is there for their sums over many blocks
 * of rows, and f16 and f32 for numbers of both signs in a part of a block, and in a block and one row. */
std::vector<Shape> ShapesOfManySteps(ait_type type) {
  std::vector<Shape> shapes;
  for (const Shape &shape : kShapes) {
    if (type == AIT_U8 || shape.rows <= 33) {
      shapes.push_back(shape);
    }
  }
  return shapes;
}

/* Calls check(errors of the version, errors of the textbook's program in ait_real) for each of the shapes, at
 * the iterate that `steps` LL steps lead to. */
template <class Check>
void CompareShapes(Device &device, ait_type type, const std::vector<Shape> &shapes, int steps, Check check) {
  for (const Shape &shape : shapes) {
    SCOPED_TRACE(testing::Message() << "N " << shape.rows << ", D " << shape.columns << ", C " << shape.classes);
    const int draws = kDouble ? 1 : shape.rows == 1 ? 16 : shape.rows == 33 ? 4 : 2;
    Errors ours, plain;
    for (int draw = 0; draw < draws; ++draw) {
      const Job job = MakeJob(type, shape, static_cast<uint64_t>(draw));
      Runner runner(device, job);
      const Reals y = runner.Descend(steps, Start(job, static_cast<uint64_t>(draw)));
      const Pass<long double> exact = Textbook<long double>(job)(y);
      ours.Add(runner(y), exact);
      plain.Add(Textbook<ait_real>(job)(y), exact);
    }
    check(ours, plain);
  }
}

/* Every entry of G is a sum over the row's probabilities and its pixels, so few digits are lost: float32 keeps
 * 1e-6. What a row's cross term is a sum of may cancel; over one row nothing makes up for that, in any
 * arithmetic. */
TEST_P(DataPassVersions, AccurateAtTheStartOfARun) {
  AIT_OPEN_DEVICE(device, GetParam().device, 1);
  const double most = kDouble ? 1e-13 : 1e-6;
  CompareShapes(device, GetParam().type, kShapes, 0, [&](const Errors &ours, const Errors &plain) {
    EXPECT_LE(ours[kLoss], most);
    EXPECT_LE(ours[kGradient], most);
    EXPECT_LE(ours[kTangent], most);
    EXPECT_LE(ours[kCross], std::max(most, 2 * plain[kCross]));
  });
}

/* G has shrunk by then, and sums that cancel show every rounding. */
TEST_P(DataPassVersions, NoWorseThanPlainArithmeticAfterAThousandSteps) {
  AIT_OPEN_DEVICE(device, GetParam().device, 1);
  const ait_type type = GetParam().type;
  CompareShapes(device, type, ShapesOfManySteps(type), 1000, [&](const Errors &ours, const Errors &plain) {
    for (Part part : {kLoss, kGradient, kTangent, kCross}) {
      EXPECT_LE(ours[part], kDouble ? 1e-13 : 2 * plain[part]) << kPartNames[part];
    }
  });
}

}  // namespace
}  // namespace device_tests
