/* Parts of methods beside reverse accumulation: hyper-gradients by finite differences, priors of the start,
 * what a method costs, which choices clash. */
#include <algorithm>
#include <limits>
#include <sstream>

#include "context/context.h"
#include "run/settings.h"
#include "solver_support.h"

namespace {

double relative_error(const Reals &found, const Reals &expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < found.size(); i++) {
    const double d = static_cast<double>(found[i]) - static_cast<double>(expected[i]);
    difference += d * d;
    norm += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

struct Gradients {
  Reals gx, gz;
};

Gradients gradients_of(const Problem &problem, const ait_solver_options &options, const Reals &x, const Reals &z) {
  Solver solver = make_solver(problem, options, x, z);
  Gradients found{Reals(x.size()), Reals(z.size())};
  EXPECT_OK(ait_solver_hypergradient(solver.get()));
  EXPECT_OK(ait_solver_get_gx(solver.get(), found.gx.data()));
  EXPECT_OK(ait_solver_get_gz(solver.get(), found.gz.data()));
  return found;
}

class OneStage : public testing::Test {
 protected:
  /* Differences at two distances e against the exact products. Their relative error is (w e)^2 / 6 where f goes like
   * sin(w y): 4e-4 at e = 0.01 in the toy problem with w = x = 5, and less elsewhere. In double it has to be of the
   * second order in e, too; in float rounding takes over. `at_all`: whether gx has an error. */
  void check(const Problem &problem, double rate, const Reals &x, const Reals &z, bool at_all = true) {
    ait_solver_options options = make_options("one-stage", 1, rate);
    options.method.initialisation = AIT_INITIALISATION_AUXILIARY;
    const Gradients exact = gradients_of(problem, make_options("ia-gm", 1, rate), x, z);
    double errors[2];
    for (int i = 0; i < 2; i++) {
      options.method.difference_epsilon = i == 0 ? 1e-2 : 1e-3;
      const Gradients found = gradients_of(problem, options, x, z);
      errors[i] = relative_error(found.gx, exact.gx);
      EXPECT_LE(relative_error(found.gz, exact.gz),
                kDouble ? 5 * std::pow(options.method.difference_epsilon, 2) : 1e-3);
    }
    EXPECT_LE(errors[0], kDouble ? 5e-4 : 1e-3);
    if (kDouble && at_all) {
      EXPECT_LE(errors[1], 5e-6);
      EXPECT_GT(errors[0] / errors[1], 90);
      EXPECT_LT(errors[0] / errors[1], 110);
    }
    options.method.initialisation = AIT_INITIALISATION_WARM;
    options.method.difference_epsilon = 0;  // 0.01
    const Gradients warm = gradients_of(problem, options, x, z);
    EXPECT_EQ(relative_error(warm.gx, exact.gx), errors[0]);
    EXPECT_EQ(warm.gz, Reals(z.size(), 0));
  }

  Context context = make_context();
  std::mt19937 engine{3};
};

TEST_F(OneStage, ApproachesTheExactProductsOnTheNumericalExamples) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_toy(context.get(), &made));
  Problem toy(made, ait_problem_destroy);
  check(toy, 0.05, {5}, {1});
  check(toy, 0.05, {5}, {ait_real(-1.99)}, false); /* y_1 is held by the bound: no direction is left */
  const double c[] = {0.3, -1.2, 2.5, 0.1, 4};
  ASSERT_OK(ait_problem_create_sinusoid(context.get(), 5, 2.0, c, &made));
  check(Problem(made, ait_problem_destroy), 0.3, {ait_real(0.7)}, random_reals(engine, 5, 3));
  ASSERT_OK(ait_problem_create_convex(context.get(), 6, &made)); /* quadratic: differences are exact */
  check(Problem(made, ait_problem_destroy), 0.15, random_reals(engine, 6, 1), random_reals(engine, 12, 1), false);
}

TEST_F(OneStage, ApproachesTheExactProductsInHyperCleaning) {
  const std::pair<std::vector<int64_t>, ait_activation> shapes[] = {
      {{9, 4}, AIT_ACTIVATION_NONE}, {{9, 6, 4}, AIT_ACTIVATION_NONE}, {{9, 6, 4}, AIT_ACTIVATION_TANH}};
  for (const auto &[sizes, activation] : shapes) {
    for (bool u8 : {false, true}) {
      CleaningData data(engine, sizes, activation, {23, 700}, 19, u8);
      Problem problem = data.problem(context);
      const size_t m = static_cast<size_t>(ait_problem_m(problem.get()));
      const Reals x = random_reals(engine, static_cast<size_t>(data.n), 1.5), z = random_reals(engine, 2 * m, 0.5);
      check(problem, 0.4, x, z);
    }
  }
}

TEST_F(OneStage, GoesOnFromTheLastIterate) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_toy(context.get(), &made));
  Problem problem(made, ait_problem_destroy);
  Solver solver = make_solver(problem, make_options("one-stage", 1, 0.05), {5}, {1});
  Reals y(1), z(1), gx(1), x(1);
  for (int t = 0; t < 3; t++) {
    const Reals before = z;
    ASSERT_OK(ait_solver_step(solver.get()));
    ASSERT_OK(ait_solver_get_y(solver.get(), y.data()));
    ASSERT_OK(ait_solver_get_z(solver.get(), z.data()));
    EXPECT_EQ(y, z);
    EXPECT_NE(before, z);
  }
  ASSERT_OK(ait_solver_get_x(solver.get(), x.data()));
  ASSERT_OK(ait_solver_get_gx(solver.get(), gx.data()));
  EXPECT_NE(x[0], 5);
}

TEST_F(OneStage, NeedsTheDerivativeInX) {
  const auto nothing = [](void *, const ait_call *, const ait_real *, const ait_real *, ait_real *, ait_real *) {
    return AIT_OK;
  };
  const auto no_products = [](void *, const ait_call *, const ait_real *, const ait_real *, const ait_real *,
                              ait_real *, ait_real *) { return AIT_OK; };
  const auto no_value = [](void *, const ait_call *, const ait_real *, const ait_real *, ait_real *) { return AIT_OK; };
  const ait_oracles oracles = host_oracles(nothing, no_products, no_value, nothing);
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create(context.get(), &oracles, nullptr, 1, 1, 1, &made));
  Problem problem(made, ait_problem_destroy);
  const ait_solver_options options = make_options("one-stage", 1, 0.1);
  const Reals one = {1};
  ait_solver *solver = nullptr;
  EXPECT_EQ(ait_solver_create(made, &options, one.data(), one.data(), &solver), AIT_UNSUPPORTED);
  EXPECT_EQ(std::string(ait_last_error()),
            "the hyper-gradient is by finite differences but the problem has no oracle ll_x_gradient: give it one or "
            "choose reverse accumulation");
}

TEST_F(OneStage, RefusesDifferencesThatRoundingHides) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_toy(context.get(), &made));
  Problem toy(made, ait_problem_destroy);
  const ait_real x = 5, z = 1;
  ait_solver_options options = make_options("one-stage", 1, 0.05);
  ait_solver *solver = nullptr;
  for (const double epsilon : {-1.0, 1e-30, 0.99 * std::numeric_limits<ait_real>::epsilon()}) {
    options.method.difference_epsilon = epsilon;
    EXPECT_EQ(ait_solver_create(made, &options, &x, &z, &solver), AIT_INVALID_ARGUMENT) << epsilon;
    EXPECT_NE(std::string(ait_last_error()).find("difference_epsilon is "), std::string::npos) << ait_last_error();
  }
  options.method.difference_epsilon = std::numeric_limits<ait_real>::epsilon();
  ASSERT_OK(ait_solver_create(made, &options, &x, &z, &solver));
  ait_solver_destroy(solver);
}

/* Two LL problems of one variable would do; a sinusoid's entries all differ. */
class Prior : public testing::Test {
 protected:
  Prior() {
    const double c[] = {0.3, -1.2, 2.5, 0.1, 4};
    ait_problem *made = nullptr;
    EXPECT_OK(ait_problem_create_sinusoid(context.get(), 5, 2.0, c, &made));
    problem = Problem(made, ait_problem_destroy);
  }

  ait_solver_options options_with(double weight, ait_prior prior, const Reals *point) {
    ait_solver_options options = make_options("ait", 4, 0.3);
    options.method.prior_weight = weight;
    options.prior = prior;
    options.prior_point = point != nullptr ? point->data() : nullptr;
    return options;
  }

  ait_status create(const ait_solver_options &options) {
    ait_solver *solver = nullptr;
    const ait_status status = ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver);
    ait_solver_destroy(solver);
    return status;
  }

  Context context = make_context();
  Problem problem{nullptr, ait_problem_destroy};
  std::mt19937 engine{5};
  const Reals x = {ait_real(0.7)}, z = random_reals(engine, 5, 3), given = random_reals(engine, 5, 2);
};

constexpr double kWeight = 0.4;

/* Against z = z - rate (gz + rho (z - prior)) with the solver's own gz, which is that of a run without prior. */
TEST_F(Prior, DrawsWhatZDescendsAndLeavesItsGradientAlone) {
  for (const auto &[prior, point] :
       {std::pair(AIT_PRIOR_INITIAL, &z), std::pair(AIT_PRIOR_ZERO, &z), std::pair(AIT_PRIOR_GIVEN, &given)}) {
    Solver solver =
        make_solver(problem, options_with(kWeight, prior, prior == AIT_PRIOR_GIVEN ? &given : nullptr), x, z);
    Reals before = z, after(5), gz(5), gx(1), now(1);
    for (int t = 0; t < 3; t++) {
      ASSERT_OK(ait_solver_get_x(solver.get(), now.data()));
      const Gradients plain = gradients_of(problem, make_options("iaptt-gm", 4, 0.3), now, before);
      ASSERT_OK(ait_solver_step(solver.get()));
      ASSERT_OK(ait_solver_get_gz(solver.get(), gz.data()));
      ASSERT_OK(ait_solver_get_gx(solver.get(), gx.data()));
      ASSERT_OK(ait_solver_get_z(solver.get(), after.data()));
      EXPECT_EQ(gz, plain.gz);
      EXPECT_EQ(gx, plain.gx);
      for (int i = 0; i < 5; i++) {
        const double to = prior == AIT_PRIOR_ZERO ? 0 : static_cast<double>((*point)[i]);
        const double descent = gz[i] + kWeight * (static_cast<double>(before[i]) - to);
        EXPECT_LE(std::abs(after[i] - (before[i] - 0.1 * descent)), kDouble ? 1e-14 : 4e-6) << prior << " " << t;
      }
      before = after;
    }
  }
}

TEST_F(Prior, OfWeightZeroIsNone) {
  Reals with(5), without(5);
  Solver drawn = make_solver(problem, options_with(0, AIT_PRIOR_GIVEN, &given), x, z);
  Solver plain = make_solver(problem, make_options("iaptt-gm", 4, 0.3), x, z);
  for (int t = 0; t < 3; t++) {
    ASSERT_OK(ait_solver_step(drawn.get()));
    ASSERT_OK(ait_solver_step(plain.get()));
  }
  ASSERT_OK(ait_solver_get_z(drawn.get(), with.data()));
  ASSERT_OK(ait_solver_get_z(plain.get(), without.data()));
  EXPECT_EQ(with, without);
}

TEST_F(Prior, RefusesWhatMakesNoSense) {
  const auto refused = [&](const ait_solver_options &options, ait_status status, const char *words) {
    EXPECT_EQ(create(options), status) << words;
    EXPECT_NE(std::string(ait_last_error()).find(words), std::string::npos) << ait_last_error();
  };
  refused(options_with(-1, AIT_PRIOR_ZERO, nullptr), AIT_INVALID_ARGUMENT, "prior_weight is -1");
  refused(options_with(NAN, AIT_PRIOR_ZERO, nullptr), AIT_INVALID_ARGUMENT, "prior_weight is nan");
  refused(options_with(1, ait_prior(7), nullptr), AIT_INVALID_ARGUMENT, "the prior is 7");
  refused(options_with(1, AIT_PRIOR_GIVEN, nullptr), AIT_INVALID_ARGUMENT, "prior_point is NULL");
  refused(options_with(1, AIT_PRIOR_ZERO, &given), AIT_INVALID_ARGUMENT, "the prior is not 'given'");
  Reals infinite = given;
  infinite[2] = std::numeric_limits<ait_real>::infinity();
  refused(options_with(1, AIT_PRIOR_GIVEN, &infinite), AIT_BAD_DATA, "the prior[2] is inf");
  for (auto start : {AIT_INITIALISATION_FIXED, AIT_INITIALISATION_WARM}) {
    ait_solver_options options = options_with(1, AIT_PRIOR_ZERO, nullptr);
    options.method.initialisation = start;
    refused(options, AIT_INVALID_ARGUMENT,
            start == AIT_INITIALISATION_WARM ? "prior_weight is 1 but the initialisation is warm"
                                             : "prior_weight is 1 but the initialisation is fixed");
  }
}

/* f = 1/2 sum_i h_i (y_i - x)^2 with h_i all different, F = 1/2 sum_i (y_i - b)^2. Counts the calls of its oracles. */
struct Counted {
  double b = 0;
  int64_t f_calls = 0, F_calls = 0;

  static double h(int64_t i) {
    return 0.2 + 0.1 * static_cast<double>(i % 7);
  }
};

ait_status count_ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                             ait_real *f) {
  static_cast<Counted *>(self)->f_calls++;
  double value = 0;
  for (int64_t i = 0; i < call->m; i++) {
    const double d = static_cast<double>(y[i]) - static_cast<double>(x[0]);
    g[i] = static_cast<ait_real>(Counted::h(i) * d);
    value += 0.5 * Counted::h(i) * d * d;
  }
  f[0] = static_cast<ait_real>(value);
  return AIT_OK;
}

ait_status count_ll_products(void *self, const ait_call *call, const ait_real *, const ait_real *, const ait_real *v,
                             ait_real *hv, ait_real *xv) {
  static_cast<Counted *>(self)->f_calls++;
  double sum = 0;
  for (int64_t i = 0; i < call->m; i++) {
    hv[i] = static_cast<ait_real>(Counted::h(i) * static_cast<double>(v[i]));
    sum -= Counted::h(i) * static_cast<double>(v[i]);
  }
  xv[0] = static_cast<ait_real>(sum);
  return AIT_OK;
}

ait_status count_ll_x_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx) {
  static_cast<Counted *>(self)->f_calls++;
  double sum = 0;
  for (int64_t i = 0; i < call->m; i++) {
    sum -= Counted::h(i) * (static_cast<double>(y[i]) - static_cast<double>(x[0]));
  }
  gx[0] = static_cast<ait_real>(sum);
  return AIT_OK;
}

ait_status count_ll_preconditioner(void *self, const ait_call *call, const ait_real *, const ait_real *,
                                   ait_real *inverse) {
  static_cast<Counted *>(self)->f_calls++;
  for (int64_t i = 0; i < call->m; i++) {
    inverse[i] = 1 + static_cast<ait_real>(i % 2);
  }
  return AIT_OK;
}

ait_status count_ul_value(void *self, const ait_call *call, const ait_real *, const ait_real *y, ait_real *F) {
  auto *counted = static_cast<Counted *>(self);
  counted->F_calls++;
  double value = 0;
  for (int64_t i = 0; i < call->m; i++) {
    value += 0.5 * std::pow(static_cast<double>(y[i]) - counted->b, 2);
  }
  F[0] = static_cast<ait_real>(value);
  return AIT_OK;
}

ait_status count_ul_gradient(void *self, const ait_call *call, const ait_real *, const ait_real *y, ait_real *gx,
                             ait_real *gy) {
  auto *counted = static_cast<Counted *>(self);
  counted->F_calls++;
  gx[0] = 0;
  for (int64_t i = 0; i < call->m; i++) {
    gy[i] = static_cast<ait_real>(static_cast<double>(y[i]) - counted->b);
  }
  return AIT_OK;
}

ait_status count_ul_products(void *self, const ait_call *call, const ait_real *, const ait_real *, const ait_real *v,
                             ait_real *hv, ait_real *xv) {
  static_cast<Counted *>(self)->F_calls++;
  std::copy(v, v + call->m, hv);
  xv[0] = 0;
  return AIT_OK;
}

size_t bytes_allocated = 0;
const ait_runtime_ops *device_runtime = nullptr;

ait_status counted_allocate(ait_device *device, size_t bytes, void **memory) {
  bytes_allocated += bytes;
  return device_runtime->allocate(device, bytes, memory);
}

class Cost : public testing::Test {
 protected:
  Problem problem_of(Counted &counted, int64_t m, const ait_method &method) {
    ait_oracles oracles = host_oracles(count_ll_gradient, count_ll_products, count_ul_value, count_ul_gradient);
    oracles.ul_products = count_ul_products;
    oracles.ll_x_gradient = count_ll_x_gradient;
    oracles.ll_preconditioner = method.mapping == AIT_MAPPING_LBFGS ? nullptr : count_ll_preconditioner;
    ait_problem *made = nullptr;
    EXPECT_OK(ait_problem_create(context.get(), &oracles, &counted, 1, 1, m, &made));
    return Problem(made, ait_problem_destroy);
  }

  /* Every bundle, and choices that no bundle makes. */
  std::vector<std::pair<std::string, ait_method>> methods() {
    std::vector<std::pair<std::string, ait_method>> all;
    for (int32_t i = 0; ait_method_name(i) != nullptr; i++) {
      all.emplace_back(ait_method_name(i), by_name(ait_method_name(i)));
    }
    ait_method method = by_name("bda");
    method.truncation = AIT_TRUNCATION_PESSIMISTIC, method.nesterov = 1;
    all.emplace_back("bda, pessimistic, Nesterov", method);
    method = by_name("bda");
    method.truncation = AIT_TRUNCATION_LAST;
    all.emplace_back("bda, last steps", method);
    method = by_name("one-stage");
    method.initialisation = AIT_INITIALISATION_AUXILIARY;
    all.emplace_back("one-stage, auxiliary", method);
    method = by_name("ls");
    method.nesterov = 1, method.conjugate_gradient.preconditioner = AIT_PRECONDITIONER_DIAGONAL;
    all.emplace_back("ls, Nesterov, preconditioner", method);
    method = by_name("ia-gm");
    method.prior_weight = 1;
    all.emplace_back("ia-gm, prior", method);
    method = by_name("ls");
    method.mapping = AIT_MAPPING_LBFGS, method.lbfgs = {2, 0};
    all.emplace_back("ls, l-bfgs", method);
    method = by_name("ia-gm-a");
    method.mapping = AIT_MAPPING_PROXIMAL, method.proximal.kind = AIT_PROX_L1, method.proximal.weight = 0.1;
    all.emplace_back("ia-gm-a, proximal", method);
    for (auto &[name, m] : all) {
      m.last_steps = m.truncation == AIT_TRUNCATION_LAST ? T : 0;
      m.conjugate_gradient.tolerance = 0;
      if (m.hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
        m.conjugate_gradient.iterations = I;
      }
      m.neumann_terms = m.hypergradient == AIT_HYPERGRADIENT_NEUMANN ? I : 0;
    }
    return all;
  }

  ait_method by_name(const char *name) {
    ait_method method;
    EXPECT_OK(ait_method_by_name(name, &method));
    return method;
  }

  ait_solver_options options_of(const ait_method &method) {
    ait_solver_options options = make_options("rhg", K, 0.3);
    options.method = method;
    options.ll_steps = method.hypergradient == AIT_HYPERGRADIENT_FINITE_DIFFERENCES ? 1 : K;
    options.record_trajectory = 0;
    return options;
  }

  int64_t value(const ait_formula &formula, int64_t steps, int64_t kbar) {
    return formula.fixed + formula.ll_steps * steps + formula.kbar * kbar + formula.last_steps * T +
           formula.iterations * I;
  }

  Context context = make_context();
  const int64_t K = 7, T = 2, I = 3;
};

TEST_F(Cost, CountsTheCallsOfAnIteration) {
  for (const auto &[name, method] : methods()) {
    for (const double b : {0.0, 10.0}) { /* F falls along the trajectory, or rises */
      Counted counted;
      counted.b = b;
      Problem problem = problem_of(counted, 9, method);
      const ait_solver_options options = options_of(method);
      Solver solver = make_solver(problem, options, {1}, Reals(9, 8));
      ASSERT_OK(ait_solver_step(solver.get())) << name; /* and F at the start */
      const int64_t f_before = counted.f_calls, F_before = counted.F_calls;
      ASSERT_OK(ait_solver_step(solver.get())) << name;
      const int64_t kbar = *ait_solver_kbar(solver.get());
      const ait_cost cost = ait_method_cost(&method);
      EXPECT_EQ(counted.f_calls - f_before, value(cost.f_calls, options.ll_steps, kbar)) << name << ", kbar " << kbar;
      EXPECT_EQ(counted.F_calls - F_before, value(cost.F_calls, options.ll_steps, kbar)) << name << ", kbar " << kbar;
      if (name == "iaptt-gm") {
        EXPECT_EQ(kbar, b == 0 ? 1 : K) << "both kinds of trajectory are looked at";
      }
    }
  }
}

TEST_F(Cost, CountsTheMemoryOfASolver) {
  device_runtime = context->device.runtime;
  ait_runtime_ops runtime = *device_runtime;
  runtime.allocate = counted_allocate;
  context->device.runtime = &runtime;
  for (const auto &[name, method] : methods()) {
    size_t bytes[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
      const int64_t m = i == 0 ? 1000 : 3000;
      Counted counted;
      Problem problem = problem_of(counted, m, method);
      bytes_allocated = 0;
      make_solver(problem, options_of(method), {1}, Reals(static_cast<size_t>(m), 8));
      bytes[i] = bytes_allocated;
    }
    const ait_cost cost = ait_method_cost(&method);
    EXPECT_EQ((bytes[1] - bytes[0]) / (2000 * sizeof(ait_real)),
              static_cast<size_t>(value(cost.vectors, options_of(method).ll_steps, 0)))
        << name;
  }
  context->device.runtime = device_runtime;
}

/* One choice of every kind, and the word that names it in a refusal. */
struct Choice {
  const char *word;
  void (*make)(ait_solver_options &);
};

const Choice kFixed = {"fixed", [](auto &o) { o.method.initialisation = AIT_INITIALISATION_FIXED; }},
             kWarm = {"warm", [](auto &o) { o.method.initialisation = AIT_INITIALISATION_WARM; }},
             kAuxiliary = {"auxiliary", [](auto &o) { o.method.initialisation = AIT_INITIALISATION_AUXILIARY; }},
             kWhole = {"no truncation", [](auto &o) { o.method.truncation = AIT_TRUNCATION_NONE; }},
             kPessimistic = {"pessimistic", [](auto &o) { o.method.truncation = AIT_TRUNCATION_PESSIMISTIC; }},
             kLast = {"last steps",
                      [](auto &o) { o.method.truncation = AIT_TRUNCATION_LAST, o.method.last_steps = 1; }},
             kGradient = {"gradient mapping", [](auto &o) { o.method.mapping = AIT_MAPPING_GRADIENT; }},
             kAggregate = {"aggregate",
                           [](auto &o) {
                             o.method.mapping = AIT_MAPPING_AGGREGATE, o.method.aggregate = {0.5, 0.9};
                           }},
             kProximal = {"proximal",
                          [](auto &o) {
                            o.method.mapping = AIT_MAPPING_PROXIMAL;
                            o.method.proximal.kind = AIT_PROX_L1, o.method.proximal.weight = 0.1;
                          }},
             kLbfgs = {"L-BFGS", [](auto &o) { o.method.mapping = AIT_MAPPING_LBFGS; }},
             kPlain = {"plain", [](auto &) {}}, kNesterov = {"Nesterov", [](auto &o) { o.method.nesterov = 1; }},
             kReverse = {"reverse accumulation", [](auto &) {}},
             kConjugate = {"conjugate gradient",
                           [](auto &o) { o.method.hypergradient = AIT_HYPERGRADIENT_CONJUGATE_GRADIENT; }},
             kNeumann = {"Neumann series", [](auto &o) { o.method.hypergradient = AIT_HYPERGRADIENT_NEUMANN; }},
             kDifferences = {"finite differences",
                             [](auto &o) {
                               o.method.hypergradient = AIT_HYPERGRADIENT_FINITE_DIFFERENCES;
                               o.ll_steps =
                                   o.method.mapping == AIT_MAPPING_LBFGS ? 5 : 1; /* L-BFGS takes no single step */
                             }},
             kNone = {"no hyper-gradient", [](auto &o) { o.method.hypergradient = AIT_HYPERGRADIENT_NONE; }},
             kFree = {"no prior", [](auto &) {}}, kPrior = {"prior_weight", [](auto &o) { o.method.prior_weight = 1; }};

/* Every pair of choices that makes no sense together. */
const std::vector<std::pair<const Choice *, const Choice *>> kClashes = {
    {&kAuxiliary, &kLast},                                    /* the gradient never reaches z */
    {&kAuxiliary, &kConjugate},                               /* no gradient of z */
    {&kAuxiliary, &kNeumann},   {&kPessimistic, &kConjugate}, /* they look at y_K alone */
    {&kPessimistic, &kNeumann}, {&kLast, &kConjugate},
    {&kLast, &kNeumann},        {&kPessimistic, &kDifferences}, /* of a single step */
    {&kLast, &kDifferences},    {&kNesterov, &kDifferences},
    {&kLast, &kNone},                                         /* nothing is differentiated */
    {&kAggregate, &kConjugate},                               /* y_K solves no problem of f */
    {&kAggregate, &kNeumann},   {&kAggregate, &kDifferences}, /* which know f alone */
    {&kLbfgs, &kReverse}, /* its steps are not differentiated, not accelerated, and end at the solution */
    {&kLbfgs, &kDifferences},   {&kLbfgs, &kNesterov},
    {&kLbfgs, &kPessimistic},   {&kLbfgs, &kLast},
    {&kPrior, &kFixed}, /* no z descends */
    {&kPrior, &kWarm},          {&kPrior, &kNone}};

/* Nonzero where a combination holds a clash, and where the sentence names both choices of one. */
std::pair<bool, bool> judge(const std::vector<const Choice *> &choices, const std::string &sentence) {
  bool clash = false, named = false;
  const auto holds = [&](const Choice *choice) {
    return std::find(choices.begin(), choices.end(), choice) != choices.end();
  };
  for (const auto &[a, b] : kClashes) {
    if (holds(a) && holds(b)) {
      clash = true;
      named |= sentence.find(a->word) != std::string::npos && sentence.find(b->word) != std::string::npos;
    }
  }
  return {clash, named};
}

TEST(Clashes, EveryCombinationIsTakenOrRefusedWithTheTwoThatClash) {
  Context context = make_context();
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_convex(context.get(), 2, &made));
  Problem problem(made, ait_problem_destroy);
  const std::vector<std::vector<const Choice *>> kinds = {{&kFixed, &kWarm, &kAuxiliary},
                                                          {&kWhole, &kPessimistic, &kLast},
                                                          {&kGradient, &kAggregate, &kProximal, &kLbfgs},
                                                          {&kPlain, &kNesterov},
                                                          {&kFree, &kPrior},
                                                          {&kReverse, &kConjugate, &kNeumann, &kDifferences, &kNone}};
  size_t combinations = 1;
  for (const auto &kind : kinds) {
    combinations *= kind.size();
  }
  int taken = 0;
  for (size_t c = 0; c < combinations; c++) {
    ait_solver_options options = make_options("rhg", 5, 0.1);
    std::vector<const Choice *> choices;
    std::string name;
    size_t rest = c;
    for (const auto &kind : kinds) {
      choices.push_back(kind[rest % kind.size()]);
      choices.back()->make(options);
      name += std::string(choices.back()->word) + ", ";
      rest /= kind.size();
    }
    const Reals x(2), z(4);
    ait_solver *solver = nullptr;
    const ait_status status = ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver);
    ait_solver_destroy(solver);
    const std::string sentence = status == AIT_OK ? "" : ait_last_error();
    const auto [clash, named] = judge(choices, sentence);
    EXPECT_EQ(status, clash ? AIT_INVALID_ARGUMENT : AIT_OK) << name << sentence;
    EXPECT_EQ(named, clash) << name << sentence;
    taken += status == AIT_OK;
  }
  EXPECT_GT(taken, 40);
}

/* What a refusal says behind "such as": pairs of an option and a word, put into the choices. */
void take_advice(const std::string &sentence, ait_method_choices &choices) {
  const std::pair<const char *, std::pair<const char *const *, int32_t *>> options[] = {
      {"--initialisation", {ait_initialisation_words, &choices.initialisation}},
      {"--truncation", {ait_truncation_words, &choices.truncation}},
      {"--mapping", {ait_mapping_words, &choices.mapping}},
      {"--nesterov", {ait_no_yes_words, &choices.nesterov}},
      {"--hypergradient", {ait_hypergradient_words, &choices.hypergradient}}};
  std::istringstream words(sentence.substr(sentence.find("(such as ") + 9));
  std::string option, word;
  int found = 0;
  while (words >> option >> word) {
    word = word.substr(0, word.find(')'));
    for (const auto &[name, target] : options) {
      for (int32_t i = 0; option == name && target.first[i] != nullptr; i++) {
        if (word == target.first[i]) {
          *target.second = i;
          found++;
        }
      }
    }
  }
  EXPECT_GT(found, 0) << sentence;
}

/* Options of every kind, given or not, on the default method. */
TEST(Clashes, RefusedOptionsComeWithOptionsThatAreTaken) {
  const int32_t counts[] = {3, 3, 4, 2, 4};
  int taken = 0, advised = 0;
  for (int32_t code = 0; code < 4 * 4 * 5 * 3 * 5; code++) {
    ait_method_settings settings;
    ait_method_settings_init(&settings);
    ait_method_choices &choices = settings.choices;
    int32_t *const given[] = {&choices.initialisation, &choices.truncation, &choices.mapping, &choices.nesterov,
                              &choices.hypergradient};
    int32_t rest = code;
    for (int i = 0; i < 5; i++) {
      *given[i] = rest % (counts[i] + 1) - 1;
      rest /= counts[i] + 1;
    }
    ait_method method;
    int64_t steps;
    if (ait_method_settings_complete(&settings, "iaptt-gm", -1, 10, &method, &steps) == AIT_OK) {
      taken++;
      continue;
    }
    const std::string sentence = ait_last_error();
    EXPECT_NE(sentence.find("--"), std::string::npos) << sentence;
    if (sentence.find("(such as") != std::string::npos) {
      advised++;
      take_advice(sentence, choices);
      EXPECT_OK(ait_method_settings_complete(&settings, "iaptt-gm", -1, 10, &method, &steps)) << sentence;
    }
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(advised, 100);
}

}  // namespace
