/* Algorithm 1 against closed forms and against recomputation: schedules, optimisers, truncation,
 * initialisation, projection, divergence, refusals. */
#include <limits>

#include "solver_support.h"

namespace {

/* f = 1/2 h (y - a x)^2 and F = 1/2 (y - b)^2 + c x, scalars, a batch of two with different a and b.
 * One LL step is y -> y - alpha h (y - a x), so that everything has a closed form. */
struct Quadratic {
  double h = 0.5, c = 0.25;
  double a[2] = {2, -1}, b[2] = {1, 3};
};

ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                       ait_real *f) {
  auto *q = static_cast<Quadratic *>(self);
  for (int64_t i = 0; i < call->batch; i++) {
    const double d = y[i] - q->a[i] * x[0];
    g[i] = static_cast<ait_real>(q->h * d);
    f[i] = static_cast<ait_real>(0.5 * q->h * d * d);
  }
  return AIT_OK;
}

ait_status ll_products(void *self, const ait_call *call, const ait_real *, const ait_real *, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  auto *q = static_cast<Quadratic *>(self);
  double sum = 0;
  for (int64_t i = 0; i < call->batch; i++) {
    hv[i] = static_cast<ait_real>(q->h * v[i]);
    sum -= q->h * q->a[i] * v[i];
  }
  xv[0] = static_cast<ait_real>(sum);
  return AIT_OK;
}

ait_status ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  auto *q = static_cast<Quadratic *>(self);
  for (int64_t i = 0; i < call->batch; i++) {
    F[i] = static_cast<ait_real>(0.5 * (y[i] - q->b[i]) * (y[i] - q->b[i]) + q->c * x[0]);
  }
  return AIT_OK;
}

ait_status ul_gradient(void *self, const ait_call *call, const ait_real *, const ait_real *y, ait_real *gx,
                       ait_real *gy) {
  auto *q = static_cast<Quadratic *>(self);
  gx[0] = static_cast<ait_real>(q->c * call->batch);
  for (int64_t i = 0; i < call->batch; i++) {
    gy[i] = static_cast<ait_real>(y[i] - q->b[i]);
  }
  return AIT_OK;
}

class SolverTest : public testing::Test {
 protected:
  SolverTest() : context(make_context()) {}

  Problem quadratic(int64_t batch) {
    const ait_oracles oracles = host_oracles(ll_gradient, ll_products, ul_value, ul_gradient);
    ait_problem *made = nullptr;
    EXPECT_OK(ait_problem_create(context.get(), &oracles, &data, batch, 1, 1, &made));
    return Problem(made, ait_problem_destroy);
  }

  Context context;
  Quadratic data;
  double tolerance = kDouble ? 1e-13 : 3e-6;
};

TEST_F(SolverTest, ClosedFormWithScheduleAndUnequalKbar) {
  const int64_t K = 7;
  const double x = 1.5, z[2] = {4, 5};
  for (auto kind : {AIT_SCHEDULE_CONSTANT, AIT_SCHEDULE_STEP, AIT_SCHEDULE_COSINE}) {
    Problem problem = quadratic(2);
    ait_solver_options options = make_options("iaptt-gm", K, 0.8);
    options.ll_rate = {kind, 0.8, 0.5, 0.1, 3};
    Solver solver = make_solver(problem, options, {ait_real(x)}, {ait_real(z[0]), ait_real(z[1])});
    ASSERT_OK(ait_solver_hypergradient(solver.get()));
    double gx = data.c * 2;
    Reals gz(2), y(2), found(1);
    ASSERT_OK(ait_solver_get_gz(solver.get(), gz.data()));
    ASSERT_OK(ait_solver_get_y_kbar(solver.get(), y.data()));
    ASSERT_OK(ait_solver_get_gx(solver.get(), found.data()));
    for (int b = 0; b < 2; b++) {
      double states[K + 1], dz[K + 1], dx[K + 1];
      states[0] = z[b], dz[0] = 1, dx[0] = 0;
      int best = 1;
      for (int64_t k = 0; k < K; k++) {
        const double alpha = kind == AIT_SCHEDULE_CONSTANT ? 0.8
                             : kind == AIT_SCHEDULE_STEP   ? 0.8 * std::pow(0.5, k / 3)
                             : k >= 3                      ? 0.1
                                                           : 0.1 + 0.7 * 0.5 * (1 + std::cos(M_PI * k / 3));
        const double keep = 1 - alpha * data.h;
        states[k + 1] = keep * states[k] + alpha * data.h * data.a[b] * x;
        dz[k + 1] = keep * dz[k];
        dx[k + 1] = keep * dx[k] + alpha * data.h * data.a[b];
        const auto F = [&](int64_t i) { return 0.5 * std::pow(states[i] - data.b[b], 2); };
        best = F(k + 1) > F(best) ? static_cast<int>(k + 1) : best;
      }
      EXPECT_EQ(ait_solver_kbar(solver.get())[b], best);
      const double gy = states[best] - data.b[b];
      EXPECT_LE(std::abs(y[b] - states[best]), tolerance);
      EXPECT_LE(std::abs(gz[b] - gy * dz[best]), tolerance);
      gx += gy * dx[best];
      const ait_real *F = ait_solver_trajectory_F(solver.get());
      EXPECT_LE(std::abs(F[K * 2 + b] - (0.5 * std::pow(states[K] - data.b[b], 2) + data.c * x)), tolerance * 10);
    }
    EXPECT_LE(std::abs(found[0] - gx), tolerance * 4);
  }
  // The two entries are made to differ, or the test would not see a batch's selection.
  Problem problem = quadratic(2);
  Solver solver = make_solver(problem, make_options("iaptt-gm", K, 0.8), {ait_real(x)}, {4, 5});
  ASSERT_OK(ait_solver_rollout(solver.get()));
  EXPECT_NE(ait_solver_kbar(solver.get())[0], ait_solver_kbar(solver.get())[1]);
}

/* T-RHG is reverse accumulation through the last T steps from a y_{K-T} held fixed. */
TEST_F(SolverTest, LastStepsEqualAShorterRunFromTheirStart) {
  const int64_t K = 9, T = 4;
  Problem problem = quadratic(2);
  const Reals x = {1.5}, z = {4, -2};
  ait_solver_options head = make_options("rhg", K - T, 0.3);
  Solver before = make_solver(problem, head, x, z);
  ASSERT_OK(ait_solver_hypergradient(before.get()));
  Reals middle(2), expected(1), gx(1), gz(2);
  ASSERT_OK(ait_solver_get_y(before.get(), middle.data()));
  Solver tail = make_solver(problem, make_options("rhg", T, 0.3), x, middle);
  ASSERT_OK(ait_solver_hypergradient(tail.get()));
  ASSERT_OK(ait_solver_get_gx(tail.get(), expected.data()));
  ait_solver_options options = make_options("t-rhg", K, 0.3);
  options.method.last_steps = T;
  Solver truncated = make_solver(problem, options, x, z);
  ASSERT_OK(ait_solver_hypergradient(truncated.get()));
  ASSERT_OK(ait_solver_get_gx(truncated.get(), gx.data()));
  ASSERT_OK(ait_solver_get_gz(truncated.get(), gz.data()));
  EXPECT_LE(std::abs(gx[0] - expected[0]), tolerance);
  EXPECT_EQ(gz[0], 0);
  EXPECT_EQ(gz[1], 0);
  options.method.last_steps = 0;  // half of K, rounded up: 5
  Solver half = make_solver(problem, options, x, z);
  options.method.last_steps = 5;
  Solver five = make_solver(problem, options, x, z);
  Reals one(1), other(1);
  ASSERT_OK(ait_solver_hypergradient(half.get()));
  ASSERT_OK(ait_solver_hypergradient(five.get()));
  ASSERT_OK(ait_solver_get_gx(half.get(), one.data()));
  ASSERT_OK(ait_solver_get_gx(five.get(), other.data()));
  EXPECT_EQ(one[0], other[0]);
  EXPECT_NE(one[0], gx[0]);
}

TEST_F(SolverTest, UpdatesFollowTheOptimisers) {
  struct Rule {
    ait_optimizer_kind kind;
    double momentum, scale;
  };
  for (const Rule rule : {Rule{AIT_OPTIMIZER_SGD, 0, 1}, Rule{AIT_OPTIMIZER_SGD, 0.7, 3},
                          Rule{AIT_OPTIMIZER_ADAM, 0, 1}, Rule{AIT_OPTIMIZER_ADAM, 0, 50}}) {
    Problem problem = quadratic(1);
    ait_solver_options options = make_options("ia-gm", 3, 0.4);
    options.ul_iterations = 5;
    options.ul_optimizer.kind = options.init_optimizer.kind = rule.kind;
    options.ul_optimizer.momentum = options.init_optimizer.momentum = rule.momentum;
    options.ul_optimizer.gradient_scale = rule.scale;
    options.ul_optimizer.rate = {AIT_SCHEDULE_COSINE, 0.2, 1, 0, 0};
    options.init_optimizer.rate = {AIT_SCHEDULE_STEP, 0.3, 0.5, 0, 2};
    Solver solver = make_solver(problem, options, {1.5}, {4});
    double value[2] = {1.5, 4}, first[2] = {0, 0}, second[2] = {0, 0};
    for (int t = 0; t < 5; t++) {
      ASSERT_OK(ait_solver_step(solver.get()));
      Reals gx(1), gz(1), x(1), z(1);
      ASSERT_OK(ait_solver_get_gx(solver.get(), gx.data()));
      ASSERT_OK(ait_solver_get_gz(solver.get(), gz.data()));
      ASSERT_OK(ait_solver_get_x(solver.get(), x.data()));
      ASSERT_OK(ait_solver_get_z(solver.get(), z.data()));
      const double rates[2] = {0.2 * 0.5 * (1 + std::cos(M_PI * t / 5)), 0.3 * std::pow(0.5, t / 2)};
      const double gradient[2] = {rule.scale * gx[0], double(gz[0])};
      for (int i = 0; i < 2; i++) {
        if (rule.kind == AIT_OPTIMIZER_SGD) {
          first[i] = rule.momentum * first[i] + gradient[i];
          value[i] -= rates[i] * first[i];
        } else {
          first[i] = 0.9 * first[i] + 0.1 * gradient[i];
          second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
          value[i] -= rates[i] * (first[i] / (1 - std::pow(0.9, t + 1))) /
                      (std::sqrt(second[i] / (1 - std::pow(0.999, t + 1))) + 1e-8);
        }
      }
      EXPECT_LE(std::abs(x[0] - value[0]), 10 * tolerance) << t;
      EXPECT_LE(std::abs(z[0] - value[1]), 10 * tolerance) << t;
    }
    EXPECT_EQ(ait_solver_iteration(solver.get()), 5);
  }
}

TEST_F(SolverTest, InitialisationFixedWarmAuxiliary) {
  Problem problem = quadratic(1);
  for (auto initialisation : {AIT_INITIALISATION_FIXED, AIT_INITIALISATION_WARM, AIT_INITIALISATION_AUXILIARY}) {
    ait_solver_options options = make_options("rhg", 2, 0.4);
    options.method.initialisation = initialisation;
    options.ul_optimizer.rate.rate = 0;
    Solver solver = make_solver(problem, options, {1.5}, {4});
    Reals first(1), second(1), z(1), gz(1);
    ASSERT_OK(ait_solver_step(solver.get()));
    ASSERT_OK(ait_solver_get_y(solver.get(), first.data()));
    ASSERT_OK(ait_solver_get_z(solver.get(), z.data()));
    ASSERT_OK(ait_solver_get_gz(solver.get(), gz.data()));
    ASSERT_OK(ait_solver_step(solver.get()));
    ASSERT_OK(ait_solver_get_y(solver.get(), second.data()));
    const double keep = std::pow(1 - 0.4 * data.h, 2), target = data.a[0] * 1.5;
    const auto after = [&](double start) { return target + keep * (start - target); };
    EXPECT_LE(std::abs(first[0] - after(4)), tolerance);
    const double start = initialisation == AIT_INITIALISATION_FIXED  ? 4
                         : initialisation == AIT_INITIALISATION_WARM ? after(4)
                                                                     : 4 - 0.1 * gz[0];
    EXPECT_LE(std::abs(second[0] - after(start)), 4 * tolerance);
    EXPECT_EQ(z[0] == 4, initialisation == AIT_INITIALISATION_FIXED);
    if (initialisation == AIT_INITIALISATION_WARM) {
      EXPECT_EQ(z[0], first[0]);
      Reals again(1);
      ASSERT_OK(ait_solver_get_z(solver.get(), z.data()));
      ASSERT_OK(ait_solver_rollout(solver.get()));  // from the same z, as often as it is called
      ASSERT_OK(ait_solver_get_y(solver.get(), first.data()));
      ASSERT_OK(ait_solver_rollout(solver.get()));
      ASSERT_OK(ait_solver_get_y(solver.get(), again.data()));
      EXPECT_EQ(first, again);
    }
  }
}

TEST_F(SolverTest, ProjectsXAndZ) {
  Problem problem = quadratic(1);
  ASSERT_OK(ait_problem_bound_x(problem.get(), 1.4, 1.6));
  ASSERT_OK(ait_problem_bound_y(problem.get(), 3.9, 4.1));
  ait_solver_options options = make_options("ia-gm", 1, 0.001);
  options.ul_optimizer.rate.rate = options.init_optimizer.rate.rate = 100;
  Solver solver = make_solver(problem, options, {1.5}, {4});
  ASSERT_OK(ait_solver_step(solver.get()));
  Reals x(1), z(1);
  ASSERT_OK(ait_solver_get_x(solver.get(), x.data()));
  ASSERT_OK(ait_solver_get_z(solver.get(), z.data()));
  EXPECT_EQ(x[0], ait_real(1.4));
  EXPECT_EQ(z[0], ait_real(3.9));
}

TEST_F(SolverTest, KeepsTheBoundsThatItWasCreatedWith) {
  Problem problem = quadratic(1);
  ASSERT_OK(ait_problem_bound_y(problem.get(), -5, 0.5));
  Solver solver = make_solver(problem, make_options("iaptt-gm", 3, 0.8), {1}, {0});
  ASSERT_OK(ait_problem_bound_y(problem.get(), -5, 0.125));
  for (int t = 0; t < 3; t++) {
    Reals y(1);
    ASSERT_OK(ait_solver_step(solver.get()));
    ASSERT_OK(ait_solver_get_y(solver.get(), y.data()));
    EXPECT_EQ(0.5, y[0]);
  }
}

TEST_F(SolverTest, RunCallsBackAndStops) {
  Problem problem = quadratic(1);
  ait_solver_options options = make_options("iaptt-gm", 2, 0.4);
  options.ul_iterations = 6;
  Solver solver = make_solver(problem, options, {1.5}, {4});
  int calls = 0;
  const auto count = [](ait_solver *, void *user) -> int32_t { return ++*static_cast<int *>(user) == 4; };
  EXPECT_EQ(ait_solver_run(solver.get(), count, &calls), AIT_STOPPED);
  EXPECT_EQ(ait_solver_iteration(solver.get()), 4);
  ASSERT_OK(ait_solver_run(solver.get(), nullptr, nullptr));
  EXPECT_EQ(ait_solver_iteration(solver.get()), 6);
}

TEST_F(SolverTest, RolloutAloneGivesTheSameStatesAndNoGradient) {
  Problem problem = quadratic(2);
  for (const char *name : {"rhg", "ia-gm-a"}) {
    for (int64_t K : {1, 2, 3, 8}) {
      ait_solver_options options = make_options(name, K, 0.4);
      Solver full = make_solver(problem, options, {1.5}, {4, 1});
      options.method.hypergradient = AIT_HYPERGRADIENT_NONE;
      Solver light = make_solver(problem, options, {1.5}, {4, 1});
      Reals one(2), other(2);
      ASSERT_OK(ait_solver_rollout(full.get()));
      ASSERT_OK(ait_solver_rollout(light.get()));
      ASSERT_OK(ait_solver_get_y(full.get(), one.data()));
      ASSERT_OK(ait_solver_get_y(light.get(), other.data()));
      EXPECT_EQ(one, other);
      EXPECT_EQ(ait_solver_step(light.get()), AIT_INVALID_ARGUMENT);
      EXPECT_EQ(ait_solver_get_gx(light.get(), one.data()), AIT_UNSUPPORTED);
    }
  }
}

TEST_F(SolverTest, DivergenceNamesIterationStepAndCause) {
  Problem problem = quadratic(1);
  ait_solver_options options = make_options("iaptt-gm", 50, 40);  // keep = -19: f grows 361-fold a step
  Solver solver = make_solver(problem, options, {1.5}, {4});
  EXPECT_EQ(ait_solver_step(solver.get()), AIT_DIVERGED);
  const std::string sentence = ait_last_error();
  EXPECT_NE(sentence.find("UL iteration 0"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("k = 2"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("step size is 40"), std::string::npos) << sentence;
  options.divergence_limit = std::numeric_limits<double>::infinity();
  options.ll_steps = 400;
  Solver patient = make_solver(problem, options, {1.5}, {4});
  EXPECT_EQ(ait_solver_step(patient.get()), AIT_DIVERGED);
}

/* With one step from a fixed start f is seen at y_0 alone; F tells. */
TEST_F(SolverTest, DivergenceOfASingleStepIsSeenInF) {
  Problem problem = quadratic(1);
  Solver solver = make_solver(problem, make_options("rhg", 1, 1e6), {1.5}, {4});
  EXPECT_EQ(ait_solver_step(solver.get()), AIT_DIVERGED);
  const std::string sentence = ait_last_error();
  EXPECT_NE(sentence.find("k = 1 of 1: F is"), std::string::npos) << sentence;
}

/* F explodes in the sweep but not before: f is flat in y, so no LL value tells. */
TEST_F(SolverTest, GradientThatIsNotFiniteIsReported) {
  ait_oracles oracles = {};
  oracles.struct_size = sizeof oracles;
  oracles.flags = AIT_HOST_POINTERS;
  oracles.ll_gradient = [](void *, const ait_call *, const ait_real *, const ait_real *, ait_real *g, ait_real *f) {
    g[0] = f[0] = 0;
    return AIT_OK;
  };
  oracles.ll_products = [](void *, const ait_call *, const ait_real *, const ait_real *, const ait_real *, ait_real *hv,
                           ait_real *xv) {
    hv[0] = std::numeric_limits<ait_real>::infinity();
    xv[0] = 0;
    return AIT_OK;
  };
  oracles.ul_value = ul_value;
  oracles.ul_gradient = ul_gradient;
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create(context.get(), &oracles, &data, 1, 1, 1, &made));
  Problem problem(made, ait_problem_destroy);
  Solver solver = make_solver(problem, make_options("ia-gm", 3, 0.1), {1}, {2});
  EXPECT_EQ(ait_solver_hypergradient(solver.get()), AIT_DIVERGED);
  EXPECT_NE(std::string(ait_last_error()).find("hyper-gradient of UL iteration 0"), std::string::npos);
  Solver stepping = make_solver(problem, make_options("ia-gm", 3, 0.1), {1}, {2});
  Reals x(1);
  ASSERT_OK(ait_solver_step(stepping.get()));  // found at the next look at the device
  EXPECT_EQ(ait_solver_get_x(stepping.get(), x.data()), AIT_DIVERGED);
}

TEST_F(SolverTest, RefusesWhatMakesNoSense) {
  Problem problem = quadratic(1);
  const auto refused = [&](auto change, const char *word) {
    ait_solver_options options = make_options("iaptt-gm", 5, 0.1);
    change(options);
    const Reals x = {1}, z = {1};
    ait_solver *solver = nullptr;
    EXPECT_EQ(ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver), AIT_INVALID_ARGUMENT) << word;
    EXPECT_NE(std::string(ait_last_error()).find(word), std::string::npos) << ait_last_error();
    EXPECT_EQ(solver, nullptr);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused([](auto &o) { o.ll_steps = 0; }, "LL steps K is 0");
  refused([](auto &o) { o.ul_iterations = 0; }, "UL iterations T is 0");
  refused([](auto &o) { o.ll_rate.rate = -1; }, "LL step size is -1");
  refused([](auto &o) { o.ll_rate.rate = 0; }, "LL step size is 0");
  refused([&](auto &o) { o.ll_rate.rate = nan; }, "LL step size");
  refused([](auto &o) { o.ul_optimizer.rate.rate = -0.1; }, "UL step size is -0.1");
  refused([](auto &o) { o.init_optimizer.momentum = 1; }, "initialisation momentum is 1");
  refused([](auto &o) { o.ul_optimizer.kind = AIT_OPTIMIZER_ADAM, o.ul_optimizer.epsilon = 0; }, "epsilon is 0");
  refused([](auto &o) { o.ul_optimizer.kind = AIT_OPTIMIZER_ADAM, o.ul_optimizer.beta2 = 1; }, "beta2 is 1");
  refused([](auto &o) { o.method.last_steps = 3; }, "last_steps is 3");
  refused([](auto &o) { o.method.truncation = AIT_TRUNCATION_LAST; }, "never reaches z");
  refused([](auto &o) { o.method.truncation = AIT_TRUNCATION_LAST, o.method.last_steps = 6; }, "only 5 LL steps");
  refused([](auto &o) { o.divergence_limit = 0; }, "divergence_limit is 0");
  refused([](auto &o) { o.struct_size = 0; }, "ait_solver_options_init");
  ait_solver_options options = make_options("iaptt-gm", 1, 0.1);
  options.method.truncation = AIT_TRUNCATION_LAST;  // half of one step, rounded up, reaches z
  make_solver(problem, options, {1}, {1});
  options = make_options("iaptt-gm", 5, 0.1);
  const Reals x = {std::numeric_limits<ait_real>::infinity()}, z = {1};
  ait_solver *solver = nullptr;
  EXPECT_EQ(ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver), AIT_BAD_DATA);
  EXPECT_EQ(std::string(ait_last_error()), "x0[0] is inf; expected a finite number");
}

TEST_F(SolverTest, TooLongATrajectoryIsRefusedWithAHint) {
  Problem problem = quadratic(1);
  ait_solver_options options = make_options("iaptt-gm", 5, 0.1);
  ait_problem *big = nullptr;
  ASSERT_OK(ait_problem_create_convex(context.get(), 1 << 20, &big));
  Problem large(big, ait_problem_destroy);
  options.ll_steps = 2000000000;
  ait_solver *solver = nullptr;
  const Reals x(1 << 20), z(2 << 20);
  EXPECT_EQ(ait_solver_create(large.get(), &options, x.data(), z.data(), &solver), AIT_OUT_OF_MEMORY);
  EXPECT_NE(std::string(ait_last_error()).find("lower the number of LL steps"), std::string::npos) << ait_last_error();
}

TEST_F(SolverTest, GettersBeforeARolloutAndSetters) {
  Problem problem = quadratic(1);
  Solver solver = make_solver(problem, make_options("iaptt-gm", 5, 0.1), {1}, {2});
  Reals value(1);
  EXPECT_EQ(ait_solver_get_y(solver.get(), value.data()), AIT_UNSUPPORTED);
  EXPECT_EQ(ait_solver_get_gx(solver.get(), value.data()), AIT_UNSUPPORTED);
  EXPECT_EQ(ait_solver_get_y_kbar(solver.get(), value.data()), AIT_UNSUPPORTED);
  value[0] = 7;
  ASSERT_OK(ait_solver_set_x(solver.get(), value.data()));
  ASSERT_OK(ait_solver_set_z(solver.get(), value.data()));
  value[0] = 0;
  ASSERT_OK(ait_solver_get_x(solver.get(), value.data()));
  EXPECT_EQ(value[0], 7);
  value[0] = std::numeric_limits<ait_real>::quiet_NaN();
  EXPECT_EQ(ait_solver_set_z(solver.get(), value.data()), AIT_BAD_DATA);
}

TEST(Method, NamesAreListedAndUnknownOnesRefused) {
  ait_method method;
  int count = 0;
  for (; ait_method_name(count) != nullptr; count++) {
    EXPECT_OK(ait_method_by_name(ait_method_name(count), &method));
    EXPECT_NE(ait_method_summary(count), nullptr);
  }
  EXPECT_EQ(count, 10);
  EXPECT_EQ(ait_method_by_name("sgd", &method), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(
      std::string(ait_last_error()),
      "there is no method 'sgd'; expected one of iaptt-gm, ait, ia-gm, ia-gm-a, rhg, t-rhg, bda, ls, ns, one-stage");
}

TEST(ProblemTable, RefusesMissingFunctionsAndSizes) {
  Context context = make_context();
  ait_oracles oracles = {};
  ait_problem *problem = nullptr;
  EXPECT_EQ(ait_problem_create(context.get(), &oracles, nullptr, 1, 1, 1, &problem), AIT_INVALID_ARGUMENT);
  oracles.struct_size = sizeof oracles;
  oracles.ll_gradient = ll_gradient;
  oracles.ll_products = ll_products;
  EXPECT_EQ(ait_problem_create(context.get(), &oracles, nullptr, 1, 1, 1, &problem), AIT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ait_last_error()).find("no ul_value"), std::string::npos);
  oracles.ul_value = ul_value;
  oracles.ul_gradient = ul_gradient;
  EXPECT_EQ(ait_problem_create(context.get(), &oracles, nullptr, 0, 1, 1, &problem), AIT_INVALID_ARGUMENT);
  ASSERT_OK(ait_problem_create(context.get(), &oracles, nullptr, 1, 1, 1, &problem));
  EXPECT_EQ(ait_problem_bound_x(problem, 2, 1), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_problem_bound_y(problem, NAN, 1), AIT_INVALID_ARGUMENT);
  ait_problem_destroy(problem);
}

}  // namespace
