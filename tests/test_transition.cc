// test_transition.cc - the problem of transition cleaning against its definition: f and F row by row in long double,
// their derivatives by differences of those.
#include <algorithm>
#include <functional>

#include "context/context.h"
#include "problems/problem.h"
#include "run/difference.h"
#include "solver_support.h"

namespace {

using Wide = long double;
using Wides = std::vector<Wide>;

constexpr int64_t kTrain = 43, kValidation = 17, kFeatures = 6, kClasses = 4;

// A noise model, whether rows have weights, whether there are training rows, folds, and a network.
struct Case {
  const char *name;
  ait_transition_noise noise;
  bool weighted, train;
  int32_t folds;
  std::vector<int64_t> hidden = {};
  ait_activation activation = AIT_ACTIVATION_NONE;

  std::vector<int64_t> sizes() const {
    std::vector<int64_t> all = {kFeatures};
    all.insert(all.end(), hidden.begin(), hidden.end());
    all.push_back(kClasses);
    return all;
  }
  int64_t parameters() const {
    const std::vector<int64_t> all = sizes();
    int64_t count = 0;
    for (size_t l = 1; l < all.size(); l++) {
      count += (all[l - 1] + 1) * all[l];
    }
    return count;
  }
};

void PrintTo(const Case &kind, std::ostream *out) {
  *out << kind.name;
}

struct Rows {
  std::vector<uint8_t> pixels;
  std::vector<double> features;
  std::vector<int32_t> labels;
  Matrix matrix{nullptr, ait_matrix_destroy};

  Rows(std::mt19937 &engine, int64_t count) : pixels(count * kFeatures), features(pixels.size()), labels(count) {
    const std::vector<double> scale(kFeatures, 1 / 128.0), shift(kFeatures, -1);
    for (size_t i = 0; i < pixels.size(); i++) {
      pixels[i] = static_cast<uint8_t>(engine() % 256);
      features[i] = pixels[i] / 128.0 - 1;
    }
    for (int32_t &label : labels) {
      label = static_cast<int32_t>(engine() % kClasses);
    }
    ait_matrix *made = nullptr;
    EXPECT_OK(ait_matrix_view(AIT_U8, count, kFeatures, kFeatures, pixels.data(), &made));
    EXPECT_OK(ait_matrix_set_scale(made, scale.data(), shift.data()));
    matrix.reset(made);
  }
};

class Data {
 public:
  explicit Data(const Case &kind)
      : kind_(kind),
        sizes_(kind.sizes()),
        engine_(7),
        train_(engine_, kTrain),
        validation_(engine_, kValidation),
        weights_(random_reals(engine_, kTrain, 1)) {
    for (int64_t c = 0; c < kClasses; c++) {
      for (int64_t g = 0; g < kClasses; g++) {
        chances_.push_back(c == g ? 0.7 : g == (c + 1) % kClasses ? 0.3 : 0);
      }
    }
    for (ait_real &weight : weights_) {
      weight = std::max<ait_real>(weight, 0);
    }
    for (int64_t i = 0; i < kTrain; i++) {
      folds_.push_back(static_cast<int32_t>(engine_() % kind.folds));
    }
    x_ = {static_cast<ait_real>(std::log(0.05)), static_cast<ait_real>(-0.8)};
    x_.resize(n());
    y_ = random_reals(engine_, kind.folds * m(), 0.7);
    v_ = random_reals(engine_, y_.size(), 1);
  }

  size_t n() const {
    return kind_.noise == AIT_TRANSITION_SYMMETRIC ? 2 : 1;
  }
  size_t m() const {
    return static_cast<size_t>(kind_.parameters());
  }
  const Reals &x() const {
    return x_;
  }
  const Reals &y() const {
    return y_;
  }
  const Reals &v() const {
    return v_;
  }
  ait_transition transition() const {
    ait_transition t = {};
    t.train = kind_.train ? train_.matrix.get() : nullptr;
    t.train_labels = train_.labels.data();
    t.weights = kind_.weighted ? weights_.data() : nullptr;
    t.validation = validation_.matrix.get();
    t.validation_labels = validation_.labels.data();
    t.folds = kind_.folds;
    t.train_folds = kind_.folds == 3 ? folds_.data() : nullptr;
    t.validation_folds = t.train_folds;
    t.noise = kind_.noise;
    t.chances = chances_.data();
    t.prior_lambda = 0.002;
    t.prior_strength = 1.5;
    t.axes = axes_;
    return t;
  }
  void use(const ait_axes *axes) {
    axes_ = axes;
  }
  ait_status create(const Context &context, ait_problem **made = nullptr) const {
    const ait_transition t = transition();
    ait_network network = {};
    network.layers = static_cast<int32_t>(sizes_.size()) - 1;
    network.sizes = sizes_.data();
    network.activation = kind_.activation;
    ait_problem *refused = nullptr;
    return ait_problem_create_transition(context.get(), &network, &t, made != nullptr ? made : &refused);
  }
  Problem problem(const Context &context) const {
    ait_problem *made = nullptr;
    EXPECT_OK(create(context, &made));
    return Problem(made, ait_problem_destroy);
  }

  // Of a column of all rows.
  double mean_square(int64_t j) const {
    double sum = 0;
    for (int64_t i = 0; i < kValidation; i++) {
      sum += validation_.features[i * kFeatures + j] * validation_.features[i * kFeatures + j];
    }
    for (int64_t i = 0; kind_.train && i < kTrain; i++) {
      sum += train_.features[i * kFeatures + j] * train_.features[i * kFeatures + j];
    }
    return sum / (kValidation + (kind_.train ? kTrain : 0));
  }

  // f_j and F_j at x and the parameters of problem j.
  Wide f(int32_t j, const Wides &x, const Wides &y) const {
    Wide sum = 0, squares = 0;
    int64_t kept = 0;
    for (int64_t i = 0; kind_.train && i < kTrain; i++) {
      if (keeps(i, j)) {
        const Wide weight = kind_.weighted ? static_cast<Wide>(weights_[i]) : 1;
        sum -= weight * std::log(label_chance(train_, i, x, y, kind_.noise != AIT_TRANSITION_NONE));
        kept++;
      }
    }
    for (int64_t i = 0; i < kValidation; i++) {
      if (keeps(i, j)) {
        sum -= std::log(label_chance(validation_, i, x, y, false));
        kept++;
      }
    }
    size_t first = 0;
    for (size_t l = 1; l < sizes_.size(); l++) {
      const int64_t inputs = sizes_[l - 1], outputs = sizes_[l];
      for (int64_t k = 0; k < inputs * outputs; k++) {
        squares += y[first + k] * y[first + k];
      }
      first += (inputs + 1) * outputs;
    }
    return sum / kept + std::exp(x[0]) / 2 * squares;
  }
  Wide F(int32_t j, const Wides &x, const Wides &y) const {
    Wide sum = 0;
    for (int64_t i = 0; i < kValidation; i++) {
      sum -= kind_.folds == 1 || !keeps(i, j) ? std::log(label_chance(validation_, i, x, y, false)) : 0;
    }
    const Wide distance = x[0] - std::log(static_cast<Wide>(0.002));
    return (sum + static_cast<Wide>(1.5) / kind_.folds * distance * distance) / kValidation;
  }

 private:
  bool keeps(int64_t i, int32_t j) const {
    return kind_.folds == 1 || (kind_.folds == 3 ? folds_[i] : i % kind_.folds) != j;  // three: drawn ones
  }
  Wide chance(int64_t c, int64_t g, const Wides &x) const {
    if (kind_.noise == AIT_TRANSITION_GIVEN) {
      return static_cast<Wide>(chances_[c * kClasses + g]);
    }
    const Wide e = 1 / (1 + std::exp(-x[1]));
    return c == g ? 1 - e : e / (kClasses - 1);
  }
  Wide activate(Wide z) const {
    return kind_.activation == AIT_ACTIVATION_TANH ? std::tanh(z)
                                                   : (kind_.activation == AIT_ACTIVATION_RELU && z < 0 ? 0 : z);
  }
  Wides logits(const double *features, const Wides &y) const {
    Wides a(features, features + kFeatures);
    size_t first = 0;
    for (size_t l = 1; l < sizes_.size(); l++) {
      Wides z(y.begin() + first + sizes_[l - 1] * sizes_[l], y.begin() + first + (sizes_[l - 1] + 1) * sizes_[l]);
      for (size_t o = 0; o < z.size(); o++) {
        for (size_t j = 0; j < a.size(); j++) {
          z[o] += y[first + o * a.size() + j] * a[j];
        }
        z[o] = l + 1 < sizes_.size() ? activate(z[o]) : z[o];
      }
      first += (a.size() + 1) * z.size();
      a = z;
    }
    return a;
  }
  Wide label_chance(const Rows &rows, int64_t i, const Wides &x, const Wides &y, bool noisy) const {
    const Wides of_row = logits(rows.features.data() + i * kFeatures, y);
    Wide total = 0, labelled = 0;
    for (int64_t c = 0; c < kClasses; c++) {
      total += std::exp(of_row[c]);
      labelled += std::exp(of_row[c]) * (noisy ? chance(c, rows.labels[i], x) : c == rows.labels[i]);
    }
    return labelled / total;
  }

  Case kind_;
  std::vector<int64_t> sizes_;
  std::mt19937 engine_;
  const ait_axes *axes_ = nullptr;
  Rows train_, validation_;
  Reals weights_, x_, y_, v_;
  std::vector<double> chances_;
  std::vector<int32_t> folds_;
};

// The oracles of a problem, called as a solver calls them.
class Oracles {
 public:
  Oracles(const Context &context, const Problem &problem) : device_(&context->device), problem_(problem.get()) {
    call_.context = context.get();
    call_.stream = ait_context_stream(context.get());
    call_.batch = problem_->batch;
    call_.n = problem_->n;
    call_.m = problem_->m;
    void *memory = nullptr;
    EXPECT_OK(device_->runtime->allocate(device_, problem_->oracles.workspace(problem_->self, call_.batch), &memory));
    call_.workspace = memory;
  }
  ~Oracles() {
    for (void *memory : memory_) {
      device_->runtime->release(device_, memory);
    }
    device_->runtime->release(device_, call_.workspace);
  }
  void only(const std::vector<uint8_t> &active) {
    call_.active = static_cast<const uint8_t *>(upload(active));
  }
  // Runs an oracle with two outputs.
  using Work = std::function<ait_status(const ait_oracles &, void *, const ait_call *, ait_real *, ait_real *)>;
  std::pair<Reals, Reals> run(size_t first, size_t second, const Work &work) {
    Reals one(first, -77), two(second, -77);
    ait_real *a = reals(one), *b = reals(two);
    EXPECT_OK(work(problem_->oracles, problem_->self, &call_, a, b));
    EXPECT_OK(device_->runtime->copy_out(device_, first * sizeof(ait_real), a, one.data()));
    EXPECT_OK(device_->runtime->copy_out(device_, second * sizeof(ait_real), b, two.data()));
    EXPECT_OK(device_->runtime->synchronize(device_));
    return {one, two};
  }
  ait_real *reals(const Reals &values) {
    return static_cast<ait_real *>(upload(values));
  }

 private:
  template <class T>
  void *upload(const std::vector<T> &values) {
    void *memory = nullptr;
    EXPECT_OK(device_->runtime->allocate(device_, values.size() * sizeof(T), &memory));
    EXPECT_OK(device_->runtime->copy_in(device_, values.size() * sizeof(T), values.data(), memory));
    memory_.push_back(memory);
    return memory;
  }

  ait_device *device_;
  ait_problem *problem_;
  ait_call call_ = {};
  std::vector<void *> memory_;
};

struct Outcome {
  Reals g, f, hv, xv, F, gx, gy;
};

Outcome evaluate(const Data &data, const Problem &problem, const Context &context,
                 const std::vector<uint8_t> &active = {}) {
  Oracles oracles(context, problem);
  if (!active.empty()) {
    oracles.only(active);
  }
  const size_t batch = static_cast<size_t>(ait_problem_batch(problem.get())), size = data.y().size();
  const ait_real *x = oracles.reals(data.x()), *y = oracles.reals(data.y()), *v = oracles.reals(data.v());
  Outcome out;
  std::tie(out.g, out.f) = oracles.run(size, batch, [&](auto &table, void *self, auto *call, ait_real *a, ait_real *b) {
    return table.ll_gradient(self, call, x, y, a, b);
  });
  std::tie(out.hv, out.xv) =
      oracles.run(size, data.n(), [&](auto &table, void *self, auto *call, ait_real *a, ait_real *b) {
        return table.ll_products(self, call, x, y, v, a, b);
      });
  std::tie(out.F, std::ignore) =
      oracles.run(batch, 1, [&](auto &table, void *self, auto *call, ait_real *a, ait_real *) {
        return table.ul_value(self, call, x, y, a);
      });
  std::tie(out.gx, out.gy) =
      oracles.run(data.n(), size, [&](auto &table, void *self, auto *call, ait_real *a, ait_real *b) {
        return table.ul_gradient(self, call, x, y, a, b);
      });
  return out;
}

Wides wide(const Reals &values, size_t first, size_t count) {
  return Wides(values.begin() + first, values.begin() + first + count);
}

Wides moved(Wides from, Wide step, const Wides &direction) {
  for (size_t k = 0; k < from.size(); k++) {
    from[k] += step * direction[k];
  }
  return from;
}

// The derivative at 0 of a function of one number; long double leaves its truncation alone, about step^2.
Wide slope(const std::function<Wide(Wide)> &function, Wide step = 1e-4L) {
  return (8 * (function(step) - function(-step)) - (function(2 * step) - function(-2 * step))) / (12 * step);
}

double inner(const Reals &a, size_t first, const Wides &b) {
  Wide sum = 0;
  for (size_t k = 0; k < b.size(); k++) {
    sum += static_cast<Wide>(a[first + k]) * b[k];
  }
  return static_cast<double>(sum);
}

// Sums over a few dozen rows; the differences themselves are good to 1e-9.
const double kTolerance = kDouble ? 1e-8 : 2e-5;

void expect_near(Wide expected, double value, const char *what, int64_t j) {
  EXPECT_LE(std::abs(static_cast<double>(expected) - value), kTolerance * std::max(1.0, std::abs(value)))
      << what << " of problem " << j << ": " << value << ", expected " << static_cast<double>(expected);
}

class TransitionProblem : public testing::TestWithParam<Case> {};

std::string case_name(const testing::TestParamInfo<Case> &tested) {
  return tested.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Noise, TransitionProblem,
    testing::Values(Case{"symmetric", AIT_TRANSITION_SYMMETRIC, false, true, 5},
                    Case{"given", AIT_TRANSITION_GIVEN, false, true, 3},
                    Case{"weighted_symmetric", AIT_TRANSITION_SYMMETRIC, true, true, 2},
                    Case{"weighted", AIT_TRANSITION_NONE, true, true, 5},
                    Case{"validation_alone", AIT_TRANSITION_NONE, false, false, 5},
                    Case{"one_fold", AIT_TRANSITION_SYMMETRIC, false, true, 1},
                    Case{"deep", AIT_TRANSITION_SYMMETRIC, true, true, 3, {5, 3}},
                    Case{"deep_given", AIT_TRANSITION_GIVEN, false, true, 2, {3}},
                    Case{"relu", AIT_TRANSITION_SYMMETRIC, true, true, 3, {5}, AIT_ACTIVATION_RELU},
                    Case{"tanh", AIT_TRANSITION_SYMMETRIC, false, true, 2, {4, 3}, AIT_ACTIVATION_TANH},
                    Case{"tanh_given", AIT_TRANSITION_GIVEN, true, true, 3, {4}, AIT_ACTIVATION_TANH},
                    Case{"tanh_validation_alone", AIT_TRANSITION_NONE, false, false, 5, {4}, AIT_ACTIVATION_TANH}),
    case_name);

TEST_P(TransitionProblem, ValuesAndDerivativesAreThoseOfTheDefinition) {
  const Data data(GetParam());
  const Context context = make_context();
  const Outcome out = evaluate(data, data.problem(context), context);
  const Wides x = wide(data.x(), 0, data.n());
  std::mt19937 engine(9);
  for (int32_t j = 0; j < GetParam().folds; j++) {
    const size_t first = j * data.m();
    const Wides y = wide(data.y(), first, data.m()), v = wide(data.v(), first, data.m());
    expect_near(data.f(j, x, y), static_cast<double>(out.f[j]), "f", j);
    expect_near(data.F(j, x, y), static_cast<double>(out.F[j]), "F", j);
    for (int trial = 0; trial < 3; trial++) {
      const Wides d = wide(random_reals(engine, data.m(), 1), 0, data.m());
      const auto f_along = [&](Wide a, Wide b) { return data.f(j, x, moved(moved(y, a, d), b, v)); };
      expect_near(slope([&](Wide a) { return f_along(a, 0); }), inner(out.g, first, d), "<g, d>", j);
      expect_near(slope([&](Wide a) { return data.F(j, x, moved(y, a, d)); }), inner(out.gy, first, d), "<gy, d>", j);
      const Wide curvature = slope([&](Wide a) { return slope([&](Wide b) { return f_along(a, b); }); });
      expect_near(curvature, inner(out.hv, first, d), "<H v, d>", j);
    }
  }
}

TEST_P(TransitionProblem, CrossTermsAreThoseOfTheDefinition) {
  const Data data(GetParam());
  const Context context = make_context();
  const Problem problem = data.problem(context);
  const Wides x = wide(data.x(), 0, data.n());
  const std::vector<uint8_t> all(GetParam().folds, 1);
  std::vector<uint8_t> some = all;
  some[GetParam().folds / 2] = 0;
  for (const std::vector<uint8_t> &active : {all, some}) {
    const Outcome out = evaluate(data, problem, context, active);
    for (size_t i = 0; i < data.n(); i++) {
      Wide mixed = 0, direct = 0;
      for (int32_t j = 0; j < GetParam().folds; j++) {
        const Wides y = wide(data.y(), j * data.m(), data.m()), v = wide(data.v(), j * data.m(), data.m());
        const auto at = [&](Wide a) {
          Wides point = x;
          point[i] += a;
          return point;
        };
        mixed +=
            active[j] * slope([&](Wide a) { return slope([&](Wide b) { return data.f(j, at(a), moved(y, b, v)); }); });
        direct += active[j] * slope([&](Wide a) { return data.F(j, at(a), y); });
      }
      expect_near(mixed, static_cast<double>(out.xv[i]), "J' v", static_cast<int64_t>(i));
      expect_near(direct, static_cast<double>(out.gx[i]), "gx", static_cast<int64_t>(i));
    }
  }
}

TEST_P(TransitionProblem, ThePreconditionerIsItsFormula) {
  const Data data(GetParam());
  const Context context = make_context();
  const Problem problem = data.problem(context);
  if (!GetParam().hidden.empty()) {
    EXPECT_EQ(problem->oracles.ll_preconditioner, nullptr);
    return;
  }
  Oracles oracles(context, problem);
  const ait_real *x = oracles.reals(data.x()), *y = oracles.reals(data.y());
  const Reals inverse = oracles
                            .run(data.y().size(), 1,
                                 [&](auto &table, void *self, auto *call, ait_real *a, ait_real *) {
                                   return table.ll_preconditioner(self, call, x, y, a);
                                 })
                            .first;
  for (size_t k = 0; k < inverse.size(); k++) {
    const size_t entry = k % data.m();
    const double square = entry < kClasses * kFeatures ? data.mean_square(entry % kFeatures) : 1;
    const double expected = 1 / (0.05 * square + std::exp(static_cast<double>(data.x()[0])));
    EXPECT_NEAR(static_cast<double>(inverse[k]), expected, 1e-6 * expected) << k;
  }
}

// M (0.05 S + lambda I) V = V for the S that has the axes' squares along them and `rest` across, and for the biases.
TEST_P(TransitionProblem, ThePreconditionerUndoesWhatTheAxesSay) {
  for (const int64_t most : {int64_t{2}, kFeatures}) {
    Data data(GetParam());
    ait_axes axes = {};
    ASSERT_OK(ait_axes_take(data.transition().validation, most, &axes));
    data.use(&axes);
    const Context context = make_context();
    if (!GetParam().hidden.empty()) {
      EXPECT_EQ(data.create(context), AIT_INVALID_ARGUMENT) << "axes of a network with hidden layers";
      ait_axes_free(&axes);
      continue;
    }
    const Problem problem = data.problem(context);
    const double lambda = std::exp(static_cast<double>(data.x()[0]));
    Reals product(data.v().size());
    for (size_t k = 0; k < product.size(); k++) {
      const size_t entry = k % data.m(), row = k - entry % kFeatures;  // a column of a matrix, or a bias
      if (entry >= kClasses * kFeatures) {
        product[k] = static_cast<ait_real>((0.05 + lambda) * static_cast<double>(data.v()[k]));
        continue;
      }
      double out = (0.05 * axes.rest + lambda) * static_cast<double>(data.v()[k]);
      for (int64_t axis = 0; axis < axes.count; axis++) {
        double along = 0;
        for (int64_t j = 0; j < kFeatures; j++) {
          along += static_cast<double>(axes.vectors[axis * kFeatures + j]) * static_cast<double>(data.v()[row + j]);
        }
        out += 0.05 * (axes.squares[axis] - axes.rest) * along *
               static_cast<double>(axes.vectors[axis * kFeatures + entry % kFeatures]);
      }
      product[k] = static_cast<ait_real>(out);
    }
    Oracles oracles(context, problem);
    const ait_real *x = oracles.reals(data.x()), *y = oracles.reals(data.y()), *v = oracles.reals(product);
    const Reals back = oracles
                           .run(product.size(), 1,
                                [&](auto &table, void *self, auto *call, ait_real *a, ait_real *) {
                                  return table.ll_precondition(self, call, x, y, v, a);
                                })
                           .first;
    for (size_t k = 0; k < back.size(); k++) {
      EXPECT_NEAR(static_cast<double>(back[k]), static_cast<double>(data.v()[k]), kDouble ? 1e-13 : 5e-6) << k;
    }
    ait_axes_free(&axes);
  }
}

TEST_P(TransitionProblem, TheBitsDoNotDependOnThreads) {
  const Data data(GetParam());
  const Context one = make_context(1), three = make_context(3);
  const Outcome a = evaluate(data, data.problem(one), one), b = evaluate(data, data.problem(three), three);
  EXPECT_TRUE(a.g == b.g && a.f == b.f && a.hv == b.hv && a.xv == b.xv && a.F == b.F && a.gy == b.gy);
}

// A whole hyper-gradient through LL steps, in recorded graphs where the device has them.
TEST_P(TransitionProblem, HyperGradientsAreDerivatives) {
  const Data data(GetParam());
  const Context context = make_context();
  const Problem problem = data.problem(context);
  const ait_solver_options options = make_options("ia-gm-a", 6, 0.3);
  const ait_difference_settings settings = {1, 3, ait_difference_step(), kDouble ? 1e-6 : 1e-2};
  ait_difference result = {};
  ASSERT_OK(ait_difference_check(problem.get(), &options, data.x().data(), data.y().data(), &settings, &result));
  EXPECT_LE(result.error_gx, settings.tolerance);
  EXPECT_LE(result.error_gz, settings.tolerance);
}

void expect_refused(const ait_transition &transition, ait_status status, const char *sentence) {
  const Context context = make_context();
  const int64_t sizes[] = {kFeatures, kClasses};
  ait_network network = {};
  network.layers = 1;
  network.sizes = sizes;
  ait_problem *problem = nullptr;
  EXPECT_EQ(ait_problem_create_transition(context.get(), &network, &transition, &problem), status);
  EXPECT_EQ(std::string(ait_last_error()), sentence);
}

TEST(TransitionProblem, RefusesWhatDoesNotFit) {
  const Data data({"", AIT_TRANSITION_GIVEN, true, true, 3});
  const ait_transition good = data.transition();
  ait_transition bad = good;
  bad.validation = nullptr;
  expect_refused(bad, AIT_INVALID_ARGUMENT, "transition cleaning needs validation rows");
  bad = good;
  bad.folds = 18;
  expect_refused(bad, AIT_INVALID_ARGUMENT, "18 folds of 17 validation rows; expected 1 to 17");
  bad = good;
  std::vector<double> chances(16, 0.25);
  chances[6] = -0.1;
  bad.chances = chances.data();
  expect_refused(bad, AIT_INVALID_ARGUMENT, "the chance of label 2 in class 1 is -0.1; expected 0 to 1");
  chances.assign(16, 0.5);
  chances[1] = chances[5] = chances[9] = chances[13] = 0;
  expect_refused(bad, AIT_INVALID_ARGUMENT, "no class can carry label 1; expected a chance above 0");
  bad.chances = nullptr;
  expect_refused(bad, AIT_INVALID_ARGUMENT, "a given noise model needs chances, and there are none");
  bad = good;
  const Reals weights = {1, -1};
  bad.weights = weights.data();
  expect_refused(bad, AIT_BAD_DATA, "the weight of training row 1 is -1; expected 0 or more");
  bad = good;
  const std::vector<int32_t> labels(kTrain, 4);
  bad.train_labels = labels.data();
  expect_refused(bad, AIT_BAD_DATA, "the label of training row 0 is 4; expected 0 to 3");
  bad = good;
  std::vector<int32_t> folds(kTrain, 1);
  bad.train_folds = bad.validation_folds = folds.data();
  expect_refused(bad, AIT_INVALID_ARGUMENT, "every row is in fold 1, so that LL problem 1 has none");
  folds[2] = 3;
  expect_refused(bad, AIT_INVALID_ARGUMENT, "the fold of validation row 2 is 3; expected 0 to 2");
  bad = good;
  bad.train = nullptr;
  expect_refused(bad, AIT_INVALID_ARGUMENT, "a noise model or weights need training rows, and there are none");
  bad = good;
  bad.prior_lambda = 0;
  expect_refused(bad, AIT_INVALID_ARGUMENT, "a prior of strength 1.5 around lambda 0; expected 0 or more, above 0");
}

// Rows that lie along known directions: 3 e1 + e2 and the like, with mean squares 18, 8 and 0.5.
TEST(Axes, AreTheDirectionsInWhichRowsSpread) {
  const double r = std::sqrt(0.5);
  const std::vector<std::vector<double>> directions = {{r, r, 0, 0}, {r, -r, 0, 0}, {0, 0, 0.6, 0.8}};
  const std::vector<double> spread = {18, 8, 0.5};
  std::vector<double> rows;
  for (int corner = 0; corner < 8; corner++) {
    for (int j = 0; j < 4; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) {
        sum += ((corner >> k & 1) != 0 ? 1 : -1) * std::sqrt(spread[k]) * directions[k][j];
      }
      rows.push_back(sum);
    }
  }
  ait_matrix *made = nullptr;
  ASSERT_OK(ait_matrix_view(AIT_F64, 8, 4, 4, rows.data(), &made));
  const Matrix matrix(made, ait_matrix_destroy);
  ait_axes axes = {};
  ASSERT_OK(ait_axes_take(matrix.get(), 2, &axes));
  ASSERT_EQ(axes.count, 2);
  for (int k = 0; k < 2; k++) {
    double along = 0;
    for (int j = 0; j < 4; j++) {
      along += static_cast<double>(axes.vectors[k * 4 + j]) * directions[k][j];
    }
    EXPECT_NEAR(std::abs(along), 1, 1e-6) << k;
    EXPECT_NEAR(axes.squares[k], spread[k], 1e-12) << k;
  }
  EXPECT_NEAR(axes.rest, 0.25, 1e-12);
  ait_axes_free(&axes);
}

TEST(Axes, RefuseWhatHasNone) {
  const std::vector<double> rows = {1, NAN, 2, 3};
  ait_matrix *made = nullptr;
  ASSERT_OK(ait_matrix_view(AIT_F64, 2, 2, 2, rows.data(), &made));
  const Matrix matrix(made, ait_matrix_destroy);
  ait_axes axes = {};
  EXPECT_EQ(AIT_INVALID_ARGUMENT, ait_axes_take(matrix.get(), 0, &axes));
  EXPECT_EQ(AIT_BAD_DATA, ait_axes_take(matrix.get(), 1, &axes));
  ait_axes_free(&axes);
}

}  // namespace
