// test_device_rollout.cc - conformance of whole rollouts and reverse sweeps: they are what single data passes and
// updates of the same device give, to rounding, however many steps, slots of states, rows, columns, classes and layers
// there are.
//
// The reference folds and unfolds the layers on the host in double (docs/derivation.md#deep-linear), with one data pass
// of the device a step.
#include <memory>

#include "device_cases.h"

namespace device_tests {
namespace {

class RolloutTest : public testing::TestWithParam<DeviceCase> {};
INSTANTIATE_TEST_SUITE_P(Devices, RolloutTest, testing::ValuesIn(DataPassDevices()), CaseName);

using Doubles = std::vector<double>;

struct Shape {
  ait_type type;
  int64_t train, validation;
  std::vector<int64_t> sizes;  // columns, hidden layers, classes
  bool scaled;
  bool pictures = false;  // most pixels of a side of many rows are 0
};

void PrintTo(const Shape &shape, std::ostream *out) {
  *out << ait_type_name(shape.type) << ", " << shape.train << " and " << shape.validation << " rows,";
  for (int64_t size : shape.sizes) {
    *out << " " << size;
  }
  *out << (shape.scaled ? ", scaled" : "") << (shape.pictures ? ", pictures" : "");
}

// ---- one side's rows on the device ------------------------------------------------------------------

std::vector<uint8_t> StoredNumbers(ait_type type, std::mt19937_64 &engine, int64_t n) {
  std::vector<uint8_t> bytes;
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < n; ++i) {
    if (type == AIT_U8) {
      bytes.push_back(static_cast<uint8_t>(engine() % 3 == 0 ? engine() % 256 : 0));
    } else {
      const float value = uniform(engine);
      const auto *raw = reinterpret_cast<const uint8_t *>(&value);
      bytes.insert(bytes.end(), raw, raw + sizeof value);
    }
  }
  return bytes;
}

class Side {
 public:
  Side(Device &device, const Shape &shape, int64_t rows, uint64_t seed)
      : device_(device), engine_(seed), labels_(device, RandomLabels(seed, rows, shape.sizes.back())) {
    const int64_t columns = shape.sizes.front();
    stored_ = StoredNumbers(shape.type, engine_, rows * columns);
    const std::vector<bool> hold = Pictures(rows, columns, static_cast<int64_t>(2 * seed + 1));
    for (size_t k = 0; shape.pictures && k < stored_.size(); ++k) {
      stored_[k] = hold[k] ? stored_[k] : 0;
    }
    EXPECT_EQ(AIT_OK, ait_matrix_view(shape.type, rows, columns, columns, stored_.data(), &matrix_));
    if (shape.scaled) {
      Doubles scale, shift;
      for (int64_t j = 0; j < columns; ++j) {
        scale.push_back((shape.type == AIT_U8 ? 1.0 / 255 : 1.0) * (1 + static_cast<double>(j % 7) / 10));
        shift.push_back(-0.1 - static_cast<double>((j + static_cast<int64_t>(seed)) % 3) / 20);
      }
      EXPECT_EQ(AIT_OK, ait_matrix_set_scale(matrix_, scale.data(), shift.data()));
    }
    EXPECT_EQ(AIT_OK, device_->model->upload_rows(device_.get(), matrix_, AIT_READ_OFTEN, &rows_)) << ait_last_error();
  }
  ~Side() {
    device_->model->release_rows(device_.get(), &rows_);
    ait_matrix_destroy(matrix_);
  }

  const ait_rows *rows() const {
    return &rows_;
  }
  const int32_t *labels() {
    return labels_.get();
  }

 private:
  Device &device_;
  std::mt19937_64 engine_;
  Buffer<int32_t> labels_;
  std::vector<uint8_t> stored_;
  ait_matrix *matrix_ = nullptr;
  ait_rows rows_;
};

// ---- layers on the host -------------------------------------------------------------------------------

// c += op(a) op(b), row-major; a(i, l) stands at a[i * a_row + l * a_column], and so on.
struct View {
  const double *data;
  int64_t row, column;
};

void Multiply(int64_t m, int64_t n, int64_t k, View a, View b, double *c) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t l = 0; l < k; ++l) {
        c[i * n + j] += a.data[i * a.row + l * a.column] * b.data[l * b.row + j * b.column];
      }
    }
  }
}

// The linear classifier that a state of several layers is, and what its gradient means for the layers.
class Layers {
 public:
  explicit Layers(std::vector<int64_t> sizes) : sizes_(std::move(sizes)), C_(sizes_.back()) {
    for (size_t l = 1; l < sizes_.size(); ++l) {
      weights_.push_back(m_);
      m_ += sizes_[l] * sizes_[l - 1];
      biases_.push_back(m_);
      m_ += sizes_[l];
    }
  }

  int64_t m() const {
    return m_;
  }

  // (A, b); products[l] is the product of the layers behind l (C x sizes[l]), the last the unit matrix.
  Doubles Fold(const Doubles &y, std::vector<Doubles> *products) const {
    const size_t L = weights_.size();
    products->assign(L + 1, {});
    Doubles &unit = (*products)[L];
    unit.assign(static_cast<size_t>(C_ * C_), 0);
    for (int64_t c = 0; c < C_; ++c) {
      unit[c * C_ + c] = 1;
    }
    Doubles bias(static_cast<size_t>(C_), 0);
    for (size_t l = L; l > 0; --l) {
      const Doubles &P = (*products)[l];
      Doubles &next = (*products)[l - 1];
      next.assign(static_cast<size_t>(C_ * sizes_[l - 1]), 0);
      Multiply(C_, sizes_[l - 1], sizes_[l], {P.data(), sizes_[l], 1}, {&y[weights_[l - 1]], sizes_[l - 1], 1},
               next.data());
      Multiply(C_, 1, sizes_[l], {P.data(), sizes_[l], 1}, {&y[biases_[l - 1]], 1, 1}, bias.data());
    }
    Doubles classifier = (*products)[0];
    classifier.insert(classifier.end(), bias.begin(), bias.end());
    return classifier;
  }

  // The gradient in y of one in (A, b).
  Doubles Unfold(const Doubles &y, const Doubles &gradient) const {
    std::vector<Doubles> products;
    Fold(y, &products);
    Doubles out(static_cast<size_t>(m_), 0), Q(gradient.begin(), gradient.end() - C_);
    const double *gb = gradient.data() + C_ * sizes_[0];
    for (size_t l = 1; l < sizes_.size(); ++l) {
      const Doubles &P = products[l];
      const int64_t rows = sizes_[l], columns = sizes_[l - 1];
      Multiply(rows, columns, C_, {P.data(), 1, rows}, {Q.data(), columns, 1}, &out[weights_[l - 1]]);
      Multiply(rows, 1, C_, {P.data(), 1, rows}, {gb, 1, 1}, &out[biases_[l - 1]]);
      Doubles next(static_cast<size_t>(C_ * rows), 0);
      Multiply(C_, rows, columns, {Q.data(), columns, 1}, {&y[weights_[l - 1]], 1, columns}, next.data());
      Multiply(C_, rows, 1, {gb, 1, 1}, {&y[biases_[l - 1]], 1, 1}, next.data());
      Q = next;
    }
    return out;
  }

 private:
  std::vector<int64_t> sizes_, weights_, biases_;
  int64_t C_, m_ = 0;
};

Doubles Widened(const Reals &values) {
  return Doubles(values.begin(), values.end());
}

Reals Rounded(const Doubles &values) {
  Reals rounded;
  for (double value : values) {
    rounded.push_back(static_cast<ait_real>(value));
  }
  return rounded;
}

// ---- single steps ------------------------------------------------------------------------------------

// A problem on a device, its start and its step sizes.
class Work {
 public:
  Work(Device &opened, const Shape &shape, int64_t steps)
      : device(opened),
        layers(shape.sizes),
        sizes(shape.sizes),
        train(opened, shape, shape.train, 1),
        validation(opened, shape, shape.validation, 2),
        x_host(RandomReals(3, shape.train, -2, 2)),
        start(Widened(RandomReals(4, layers.m(), -0.5, 0.5))),
        x(opened, x_host) {
    for (double &value : start) {
      value /= std::sqrt(static_cast<double>(sizes[0]) * (shape.type == AIT_U8 && !shape.scaled ? 255.0 * 255.0 : 1));
    }
    for (int64_t k = 0; k < steps; ++k) {
      alpha_host.push_back(static_cast<ait_real>((shape.type == AIT_U8 && !shape.scaled ? 1.0 / (255 * 255) : 1.0) *
                                                 (0.3 + 0.1 * static_cast<double>(k % 3))));
    }
  }

  Device &device;
  Layers layers;
  std::vector<int64_t> sizes;
  Side train, validation;
  Reals x_host;
  Doubles start;
  Buffer<ait_real> x;
  Reals alpha_host;

  // One data pass over the training rows, or, with `loss_only`, over the validation rows.
  struct Pass {
    double loss = 0;
    Doubles gradient, tangent, cross;
  };
  Pass Run(const Doubles &classifier, const Doubles *direction, bool of_training) {
    const size_t numbers = classifier.size();
    Side &side = of_training ? train : validation;
    Buffer<ait_real> a(device, Rounded(classifier)), v(device, direction != nullptr ? Rounded(*direction) : Reals());
    Buffer<ait_real> loss(device, 1, 0), gradient(device, numbers, 0), tangent(device, numbers, 0);
    Buffer<ait_real> cross(device, static_cast<size_t>(side.rows()->rows), 0);
    ait_pass pass = {};
    pass.rows = side.rows();
    pass.labels = side.labels();
    pass.classes = sizes.back();
    pass.classifier = a.get();
    pass.direction = direction != nullptr ? v.get() : nullptr;
    pass.x = of_training ? x.get() : nullptr;
    pass.loss = loss.get();
    pass.gradient = gradient.get();
    pass.tangent = direction != nullptr ? tangent.get() : nullptr;
    pass.cross = direction != nullptr ? cross.get() : nullptr;
    Buffer<uint8_t> workspace(device, device->model->data_pass_workspace(device.get(), &pass), 0xff);
    EXPECT_EQ(AIT_OK, device->model->data_pass(device.get(), &pass, workspace.get())) << ait_last_error();
    return {static_cast<double>(loss.Host()[0]), Widened(gradient.Host()), Widened(tangent.Host()),
            Widened(cross.Host())};
  }

  // The steps first .. end - 1 from y.
  struct Trajectory {
    std::vector<Doubles> states;
    Doubles f, F;
  };
  Trajectory SingleSteps(int64_t first, int64_t end) {
    Trajectory trajectory;
    std::vector<Doubles> products;
    Doubles y = Widened(Rounded(start));
    for (int64_t k = first; k <= end; ++k) {
      const Doubles classifier = layers.Fold(y, &products);
      trajectory.states.push_back(y);
      trajectory.F.push_back(Run(classifier, nullptr, false).loss);
      if (k == end) {
        break;
      }
      const Pass pass = Run(classifier, nullptr, true);
      trajectory.f.push_back(pass.loss);
      const Doubles g = layers.Unfold(y, pass.gradient);
      for (size_t i = 0; i < y.size(); ++i) {
        y[i] = static_cast<double>(static_cast<ait_real>(y[i] - static_cast<double>(alpha_host[k]) * g[i]));
      }
    }
    return trajectory;
  }

  // H v and J' v at y, by the product rule: what folding and unfolding give along v are derivatives of polynomials.
  Doubles Product(const Doubles &y, const Doubles &v, Doubles *cross) {
    std::vector<Doubles> products;
    const Doubles classifier = layers.Fold(y, &products);
    const Doubles direction = Difference(y, v, [&](const Doubles &at) { return layers.Fold(at, &products); });
    const Pass pass = Run(classifier, &direction, true);
    *cross = pass.cross;
    const Doubles along = Difference(y, v, [&](const Doubles &at) { return layers.Unfold(at, pass.gradient); });
    Doubles product = layers.Unfold(y, pass.tangent);
    for (size_t i = 0; i < product.size(); ++i) {
      product[i] += along[i];
    }
    return product;
  }

 private:
  // The derivative by t at t = 0 of a function of y + t v that is a polynomial of degree 4 at most in t: exactly, but
  // for rounding in double.
  template <class Function>
  static Doubles Difference(const Doubles &y, const Doubles &v, Function function) {
    const auto at = [&](double t) {
      Doubles moved = y;
      for (size_t i = 0; i < y.size(); ++i) {
        moved[i] += t * v[i];
      }
      return function(moved);
    };
    const Doubles a = at(1), b = at(-1), c = at(2), d = at(-2);
    Doubles slope(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      slope[i] = (8 * (a[i] - b[i]) - (c[i] - d[i])) / 12;
    }
    return slope;
  }
};

// ---- the device's own ---------------------------------------------------------------------------------

const ait_real kUntouched = 12345;

// The device's descent over steps first .. end - 1, or NULL operations: skipped.
ait_descent DescentOf(Work &work, const ait_real *alpha, int64_t first, int64_t end) {
  ait_descent descent = {};
  descent.train = work.train.rows();
  descent.validation = work.validation.rows();
  descent.train_labels = work.train.labels();
  descent.validation_labels = work.validation.labels();
  descent.layers = static_cast<int32_t>(work.sizes.size()) - 1;
  descent.sizes = work.sizes.data();
  descent.m = work.layers.m();
  descent.x = work.x.get();
  descent.first = first;
  descent.end = end;
  descent.alpha = alpha;
  return descent;
}

// Bytes of workspace; 0: this device takes single steps.
size_t WorkspaceOf(Work &work) {
  if (work.device->model->descent_workspace == nullptr) {
    return 0;
  }
  const ait_descent descent = DescentOf(work, nullptr, 0, 0);
  return work.device->model->descent_workspace(work.device.get(), &descent);
}

#define AIT_NEED_WORKSPACE(work)                                         \
  if (WorkspaceOf(work) == 0) {                                          \
    GTEST_SKIP() << "this device takes single steps for such a problem"; \
  }                                                                      \
  static_cast<void>(0)

struct Rolled {
  Reals states, f, F;
};

Rolled RollOut(Work &work, int64_t first, int64_t end, int64_t slots, int64_t F_first) {
  const int64_t m = work.layers.m(), stride = m + 3, batch = 2;
  Device &device = work.device;
  Reals states(static_cast<size_t>(slots * stride), kUntouched);
  const Reals start = Rounded(work.start);
  std::copy(start.begin(), start.end(), states.begin() + first % slots * stride);
  Buffer<ait_real> state_memory(device, states), alpha(device, work.alpha_host);
  Buffer<ait_real> f(device, static_cast<size_t>((end + 1) * batch), kUntouched);
  Buffer<ait_real> F(device, static_cast<size_t>((end + 1) * batch), kUntouched);
  Buffer<uint8_t> workspace(device, WorkspaceOf(work), 0xff);
  ait_descent descent = DescentOf(work, alpha.get(), first, end);
  descent.states = state_memory.get();
  descent.slots = slots;
  descent.stride = stride;
  descent.f = f.get();
  descent.F = F.get();
  descent.F_first = F_first;
  descent.value_stride = batch;
  EXPECT_EQ(AIT_OK, device->model->rollout(device.get(), &descent, workspace.get())) << ait_last_error();
  return {state_memory.Host(), f.Host(), F.Host()};
}

// Every state that is kept, f of every step, F from F_first on, and nothing beside them.
void ExpectRolled(Work &work, const Rolled &rolled, const Work::Trajectory &expected, int64_t first, int64_t end,
                  int64_t slots, int64_t F_first, double tolerance) {
  const int64_t m = work.layers.m(), stride = m + 3;
  for (int64_t k = std::max(first, end - slots + 1); k <= end; ++k) {
    const auto begin = rolled.states.begin() + k % slots * stride;
    EXPECT_LE(RelativeError(Reals(begin, begin + m), expected.states[k - first]), tolerance) << "y_" << k;
    EXPECT_EQ(Reals(3, kUntouched), Reals(begin + m, begin + stride));
  }
  for (int64_t k = 0; k <= end; ++k) {
    const bool has_f = k >= first && k < end, has_F = k >= F_first;
    const double f = static_cast<double>(rolled.f[2 * k]), F = static_cast<double>(rolled.F[2 * k]);
    EXPECT_LE(std::fabs(f - (has_f ? expected.f[k - first] : kUntouched)), tolerance * std::fabs(f)) << "f, step " << k;
    EXPECT_LE(std::fabs(F - (has_F ? expected.F[k - first] : kUntouched)), tolerance * std::fabs(F)) << "F, step " << k;
    EXPECT_EQ(kUntouched, rolled.f[2 * k + 1]);
    EXPECT_EQ(kUntouched, rolled.F[2 * k + 1]);
  }
}

// Linear classifiers and deep ones; rows, columns and classes that are multiples of nothing, fewer rows than blocks,
// and one row.
std::vector<Shape> Shapes() {
  return {{AIT_U8, 67, 41, {70, 11}, true},
          {AIT_U8, 150, 33, {100, 5}, false},
          {AIT_U8, 40, 90, {37, 3}, true},
          {AIT_F32, 70, 45, {21, 5}, true},
          {AIT_F32, 33, 64, {64, 17}, false},
          {AIT_F32, 1, 1, {3, 2}, false},
          {AIT_U8, 67, 41, {70, 9, 11}, true},
          {AIT_F32, 50, 35, {13, 6, 7, 4}, true},
          {AIT_U8, 300, 260, {64, 10}, true},
          {AIT_F32, 70, 45, {21, 50, 47}, true},
          {AIT_U8, 290, 300, {70, 9, 11}, true, true},
          {AIT_U8, 300, 40, {130, 5}, false, true},
          {AIT_U8, 40, 300, {64, 10}, true, true}};
}

// A few steps: the rounding of a pass (the data pass's own tolerance), a little more each step.
const double kTolerance = 64 * kEpsilon;

TEST_P(RolloutTest, ARolloutIsItsSingleSteps) {
  int compared = 0;
  for (const Shape &shape : Shapes()) {
    AIT_OPEN_DEVICE(device, GetParam());
    Work work(device, shape, 6);
    if (WorkspaceOf(work) == 0) {
      EXPECT_TRUE(GetParam().cuda) << "the CPU takes whole rollouts of all these shapes";
      continue;
    }
    ++compared;
    SCOPED_TRACE(testing::PrintToString(shape));
    const Work::Trajectory expected = work.SingleSteps(0, 4);
    ExpectRolled(work, RollOut(work, 0, 4, 5, 1), expected, 0, 4, 5, 1, kTolerance);
  }
  if (compared == 0) {
    GTEST_SKIP() << "this device takes single steps";
  }
}

TEST_P(RolloutTest, AnyRangeOfStepsAndSlotsOfStates) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work(device, {AIT_U8, 67, 41, {70, 11}, true}, 9);
  AIT_NEED_WORKSPACE(work);
  struct {
    int64_t first, end, slots, F_first;
  } const cases[] = {{0, 1, 2, 0}, {0, 5, 3, 5}, {3, 8, 3, 6}, {2, 7, 8, 9}, {1, 4, 4, 0}};
  for (const auto &c : cases) {
    SCOPED_TRACE(testing::Message() << c.first << " to " << c.end << ", slots " << c.slots << ", F from " << c.F_first);
    const Work::Trajectory expected = work.SingleSteps(c.first, c.end);
    const int64_t F_first = std::max(c.first, c.F_first);
    ExpectRolled(work, RollOut(work, c.first, c.end, c.slots, F_first), expected, c.first, c.end, c.slots, F_first,
                 kTolerance);
  }
}

TEST_P(RolloutTest, TheSameBitsTwiceAndForEveryNumberOfThreads) {
  Rolled once;
  for (int32_t threads : {1, 1, 2, 3, 7}) {
    AIT_OPEN_DEVICE(device, GetParam(), threads);
    Work work(device, {AIT_U8, 1150, 570, {70, 30, 11}, true}, 4);
    AIT_NEED_WORKSPACE(work);
    const Rolled again = RollOut(work, 0, 4, 5, 0);
    once = once.states.empty() ? again : once;
    EXPECT_TRUE(SameBits(once.states, again.states)) << threads;
    EXPECT_TRUE(SameBits(once.f, again.f)) << threads;
    EXPECT_TRUE(SameBits(once.F, again.F)) << threads;
  }
}

// A NaN in the first state reaches every later state and loss.
TEST_P(RolloutTest, NanIsNotHidden) {
  AIT_OPEN_DEVICE(device, GetParam());
  Work work(device, {AIT_U8, 67, 41, {70, 11}, true}, 3);
  AIT_NEED_WORKSPACE(work);
  work.start[5] = std::nan("");
  const Rolled rolled = RollOut(work, 0, 2, 3, 0);
  for (int64_t k : {0, 1}) {
    EXPECT_TRUE(std::isnan(rolled.f[2 * k]));
    EXPECT_TRUE(std::isnan(rolled.F[2 * k]));
  }
  EXPECT_TRUE(std::isnan(rolled.states[2 * (work.layers.m() + 3)]));
}

// ---- the way back ----------------------------------------------------------------------------------------

struct Swept {
  Reals lambda, gx;
};

Swept SweepBack(Work &work, const Work::Trajectory &trajectory, int64_t first, int64_t end, int32_t kbar,
                const Reals &lambda, const Reals &gx) {
  const int64_t m = work.layers.m(), slots = end - first + 1;
  Device &device = work.device;
  Reals states(static_cast<size_t>(slots * m));
  for (int64_t k = first; k <= end; ++k) {
    const Reals state = Rounded(trajectory.states[k]);
    std::copy(state.begin(), state.end(), states.begin() + k % slots * m);
  }
  Buffer<ait_real> state_memory(device, states), alpha(device, work.alpha_host);
  Buffer<ait_real> adjoint(device, lambda), x_gradient(device, gx);
  Buffer<int32_t> index(device, 1, kbar);
  Buffer<uint8_t> workspace(device, WorkspaceOf(work), 0xff);
  ait_descent descent = DescentOf(work, alpha.get(), first, end);
  descent.states = state_memory.get();
  descent.slots = slots;
  descent.stride = m;
  descent.value_stride = 1;
  descent.kbar = index.get();
  descent.lambda = adjoint.get();
  descent.gx = x_gradient.get();
  EXPECT_EQ(AIT_OK, device->model->reverse(device.get(), &descent, workspace.get())) << ait_last_error();
  return {adjoint.Host(), x_gradient.Host()};
}

TEST_P(RolloutTest, ASweepIsItsSingleSteps) {
  int compared = 0;
  for (const Shape &shape : Shapes()) {
    AIT_OPEN_DEVICE(device, GetParam());
    Work work(device, shape, 6);
    if (WorkspaceOf(work) == 0) {
      continue;
    }
    ++compared;
    const Work::Trajectory trajectory = work.SingleSteps(0, 5);
    const Reals lambda = RandomReals(7, work.layers.m()), gx = RandomReals(8, shape.train, -1e-3, 1e-3);
    struct {
      int64_t first, end;
      int32_t kbar;
    } const cases[] = {{0, 5, 5}, {2, 5, 4}, {0, 5, 0}, {3, 5, 2}};
    for (const auto &c : cases) {
      SCOPED_TRACE(testing::Message() << testing::PrintToString(shape) << ": " << c.kbar << " to " << c.first);
      Doubles adjoint = Widened(lambda), x_gradient = Widened(gx), cross;
      for (int64_t k = c.kbar - 1; k >= c.first; --k) {
        const Doubles product = work.Product(trajectory.states[k], adjoint, &cross);
        const double alpha = static_cast<double>(work.alpha_host[k]);
        for (size_t i = 0; i < adjoint.size(); ++i) {
          adjoint[i] -= alpha * product[i];
        }
        for (size_t i = 0; i < x_gradient.size(); ++i) {
          x_gradient[i] -= alpha * cross[i];
        }
      }
      const Swept swept = SweepBack(work, trajectory, c.first, c.end, c.kbar, lambda, gx);
      if (c.kbar <= c.first) {
        EXPECT_TRUE(SameBits(lambda, swept.lambda));
        EXPECT_TRUE(SameBits(gx, swept.gx));
      }
      EXPECT_LE(RelativeError(swept.lambda, adjoint), kTolerance) << "lambda";
      EXPECT_LE(RelativeError(swept.gx, x_gradient), kTolerance) << "gx";
    }
  }
  if (compared == 0) {
    GTEST_SKIP() << "this device takes single steps";
  }
}

}  // namespace
}  // namespace device_tests
