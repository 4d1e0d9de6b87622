/* Hyper-gradients of every problem against central differences, batches against separate runs, and
 * equal bits for every number of threads. */
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "run/batch.h"
#include "solver_support.h"

namespace {

/* F at the kbar of the unperturbed run, summed over the batch, from a rollout at (x, z). */
double value_at(const Problem &problem, const ait_solver_options &options, const Reals &x, const Reals &z,
                const std::vector<int32_t> &kbar) {
  Solver solver = make_solver(problem, options, x, z);
  EXPECT_OK(ait_solver_rollout(solver.get()));
  const ait_real *F = ait_solver_trajectory_F(solver.get());
  double sum = 0;
  for (size_t b = 0; b < kbar.size(); b++) {
    sum += F[kbar[b] * kbar.size() + b];
  }
  return sum;
}

/* The largest relative error of gx and gz along random directions. */
double difference_error(const Problem &problem, const ait_solver_options &options, const Reals &x, const Reals &z,
                        std::mt19937 &engine) {
  Solver solver = make_solver(problem, options, x, z);
  EXPECT_OK(ait_solver_hypergradient(solver.get()));
  Reals gx(x.size()), gz(z.size());
  EXPECT_OK(ait_solver_get_gx(solver.get(), gx.data()));
  EXPECT_OK(ait_solver_get_gz(solver.get(), gz.data()));
  const int32_t *found = ait_solver_kbar(solver.get());
  const std::vector<int32_t> kbar(found, found + ait_problem_batch(problem.get()));
  double worst = 0;
  for (int direction = 0; direction < 4; direction++) {
    const bool along_x = direction % 2 == 0;
    const Reals &base = along_x ? x : z, &gradient = along_x ? gx : gz;
    const Reals d = random_reals(engine, base.size(), 1);
    const double h = 2e-5;
    const auto moved = [&](double sign) {
      Reals point = base;
      for (size_t i = 0; i < point.size(); i++) {
        point[i] += static_cast<ait_real>(sign * h * d[i]);
      }
      return along_x ? value_at(problem, options, point, z, kbar) : value_at(problem, options, x, point, kbar);
    };
    const double numeric = (moved(1) - moved(-1)) / (2 * h);
    double analytic = 0, norm_g = 0, norm_d = 0;
    for (size_t i = 0; i < base.size(); i++) {
      analytic += static_cast<double>(gradient[i]) * d[i];
      norm_g += static_cast<double>(gradient[i]) * gradient[i];
      norm_d += static_cast<double>(d[i]) * d[i];
    }
    // Relative to the size of such a product: a direction that happens to be orthogonal says nothing.
    const double size = std::sqrt(norm_g * norm_d / static_cast<double>(base.size()));
    worst = std::fmax(worst, std::abs(numeric - analytic) / std::fmax(size, 1e-12));
  }
  return worst;
}

class Differences : public testing::TestWithParam<const char *> {
 protected:
  void SetUp() override {
    if (!kDouble) {
      GTEST_SKIP() << "central differences of a float F have no digits to compare; ait64_tests checks them";
    }
  }

  void check(const Problem &problem, int64_t steps, double rate, const Reals &x, const Reals &z) {
    const double error = difference_error(problem, make_options(GetParam(), steps, rate), x, z, engine);
    EXPECT_LE(error, 1e-6) << GetParam();
  }

  Context context = make_context();
  std::mt19937 engine{7};
};

TEST_P(Differences, Toy) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_toy(context.get(), &made));
  check(Problem(made, ait_problem_destroy), 40, 5e-3, {5}, {1});
}

TEST_P(Differences, Convex) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_convex(context.get(), 6, &made));
  check(Problem(made, ait_problem_destroy), 12, 0.15, random_reals(engine, 6, 1), random_reals(engine, 12, 1));
}

TEST_P(Differences, ConvexInABox) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_convex(context.get(), 6, &made));
  Problem problem(made, ait_problem_destroy);
  ASSERT_OK(ait_problem_bound_y(made, -0.3, 0.4));
  check(problem, 12, 0.15, random_reals(engine, 6, 1), random_reals(engine, 12, 0.25));
}

TEST_P(Differences, Sinusoid) {
  ait_problem *made = nullptr;
  const double c[] = {0.3, -1.2, 2.5, 0.1, 4};
  ASSERT_OK(ait_problem_create_sinusoid(context.get(), 5, 2.0, c, &made));
  check(Problem(made, ait_problem_destroy), 10, 0.3, {0.7}, random_reals(engine, 5, 3));
}

TEST_P(Differences, Cleaning) {
  struct Shape {
    std::vector<int64_t> sizes;
    ait_activation activation;
  };
  const std::vector<Shape> shapes = {{{9, 4}, AIT_ACTIVATION_NONE},          {{9, 6, 4}, AIT_ACTIVATION_NONE},
                                     {{9, 3, 5, 7, 4}, AIT_ACTIVATION_NONE}, {{9, 6, 4}, AIT_ACTIVATION_TANH},
                                     {{9, 6, 5, 5, 4}, AIT_ACTIVATION_TANH}, {{9, 8, 4}, AIT_ACTIVATION_RELU}};
  for (const Shape &shape : shapes) {
    for (bool u8 : {false, true}) {
      CleaningData data(engine, shape.sizes, shape.activation, {23, 17}, 19, u8);
      Problem problem = data.problem(context);
      const int64_t m = ait_problem_m(problem.get());
      ASSERT_EQ(m, ait_network_parameters(&data.network));
      check(problem, 6, 0.4, random_reals(engine, data.n, 1.5), random_reals(engine, 2 * m, 0.5));
    }
  }
}

TEST_P(Differences, CleaningWithTerms) {
  for (const std::vector<int64_t> &sizes : {std::vector<int64_t>{9, 4}, std::vector<int64_t>{9, 6, 4}}) {
    for (const auto activation : {AIT_ACTIVATION_NONE, AIT_ACTIVATION_TANH}) {
      CleaningData data(engine, sizes, activation, {23, 17}, 19, true);
      Problem problem = data.problem(context);
      ASSERT_OK(ait_problem_add_network_lq(problem.get(), &data.network, 0.4, 0.3, 0.2));
      const size_t m = static_cast<size_t>(ait_problem_m(problem.get()));
      check(problem, 6, 0.4, random_reals(engine, data.n, 1.5), random_reals(engine, 2 * m, 0.5));
    }
  }
}

/* A problem in host memory, and terms that overlap. */
TEST_P(Differences, SinusoidWithTerms) {
  ait_problem *made = nullptr;
  const double c[] = {0.3, -1.2, 2.5, 0.1, 4};
  ASSERT_OK(ait_problem_create_sinusoid(context.get(), 5, 2.0, c, &made));
  Problem problem(made, ait_problem_destroy);
  const ait_lq_term terms[] = {{0, 3, 1.5, 0.5, 0.1}, {2, 3, 0.7, 0.9, 1}};
  ASSERT_OK(ait_problem_add_lq(made, 2, terms));
  check(problem, 10, 0.3, {0.7}, random_reals(engine, 5, 3));
}

INSTANTIATE_TEST_SUITE_P(Methods, Differences, testing::Values("iaptt-gm", "ia-gm", "ia-gm-a", "rhg"),
                         [](const auto &tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

struct Outcome {
  Reals x, z, y, gx, gz;
  std::vector<int32_t> kbar;
  std::vector<ait_real> F;
  bool operator==(const Outcome &other) const {
    return x == other.x && z == other.z && y == other.y && gx == other.gx && gz == other.gz && kbar == other.kbar &&
           std::equal(F.begin(), F.end(), other.F.begin(), other.F.end());
  }
};

Outcome run(const Problem &problem, const ait_solver_options &options, const Reals &x, const Reals &z, int steps) {
  Solver solver = make_solver(problem, options, x, z);
  for (int t = 0; t < steps; t++) {
    EXPECT_OK(ait_solver_step(solver.get()));
  }
  Outcome outcome{Reals(x.size()), Reals(z.size()), Reals(z.size()), Reals(x.size()), Reals(z.size()), {}, {}};
  EXPECT_OK(ait_solver_get_x(solver.get(), outcome.x.data()));
  EXPECT_OK(ait_solver_get_z(solver.get(), outcome.z.data()));
  EXPECT_OK(ait_solver_get_y(solver.get(), outcome.y.data()));
  EXPECT_OK(ait_solver_get_gx(solver.get(), outcome.gx.data()));
  EXPECT_OK(ait_solver_get_gz(solver.get(), outcome.gz.data()));
  const int64_t batch = ait_problem_batch(problem.get());
  outcome.kbar.assign(ait_solver_kbar(solver.get()), ait_solver_kbar(solver.get()) + batch);
  const ait_real *F = ait_solver_trajectory_F(solver.get());
  outcome.F.assign(F, F + (options.ll_steps + 1) * batch);
  return outcome;
}

/* One LL step from w = 0, from a small w and from a large one, with and without the term; f is told too. */
TEST(Terms, AddTheirValueAndGradient) {
  Context context = make_context();
  const double c[] = {0.3, -1.2, 2.5, 0.1}, weight = 1.5, q = 0.5, epsilon = 0.1, alpha = 0.01;
  ait_problem *plain_made = nullptr, *made = nullptr;
  ASSERT_OK(ait_problem_create_sinusoid(context.get(), 4, 2.0, c, &plain_made));
  ASSERT_OK(ait_problem_create_sinusoid(context.get(), 4, 2.0, c, &made));
  Problem plain(plain_made, ait_problem_destroy), with(made, ait_problem_destroy);
  const ait_lq_term term = {1, 2, weight, q, epsilon};
  ASSERT_OK(ait_problem_add_lq(made, 1, &term));
  for (const double size : {0.0, 1e-3, 40.0}) {
    const Reals z = {1, static_cast<ait_real>(size), static_cast<ait_real>(-2 * size), 3};
    Reals y(4), plain_y(4);
    const ait_solver_options options = make_options("rhg", 1, alpha);
    Solver solver = make_solver(with, options, {0.7}, z), plain_solver = make_solver(plain, options, {0.7}, z);
    ASSERT_OK(ait_solver_rollout(solver.get()));
    ASSERT_OK(ait_solver_rollout(plain_solver.get()));
    ASSERT_OK(ait_solver_get_y(solver.get(), y.data()));
    ASSERT_OK(ait_solver_get_y(plain_solver.get(), plain_y.data()));
    const double s = 5 * size * size + epsilon * epsilon, slope = weight * q * std::pow(s, q / 2 - 1);
    const double tolerance = (kDouble ? 1e-14 : 1e-6) * (1 + 40);
    for (int i = 0; i < 4; i++) {
      const double expected = i == 1 || i == 2 ? alpha * slope * z[i] : 0;
      EXPECT_NEAR(plain_y[i] - y[i], expected, tolerance) << size << " " << i;
    }
  }
}

TEST(Terms, ABatchEqualsSeparateRunsBitForBit) {
  std::mt19937 engine(13);
  Context context = make_context();
  CleaningData data(engine, {9, 6, 4}, AIT_ACTIVATION_NONE, {23, 17}, 19, true);
  const Reals x = random_reals(engine, data.n, 2), z = random_reals(engine, 2 * 88, 0.3);
  const auto part = [](const Reals &values, int64_t begin, int64_t end) {
    return Reals(values.begin() + begin, values.begin() + end);
  };
  for (const auto mapping : {AIT_MAPPING_GRADIENT, AIT_MAPPING_AGGREGATE, AIT_MAPPING_LBFGS}) {
    Problem together = data.problem(context);
    const int64_t m = ait_problem_m(together.get());
    ASSERT_EQ(m, 88);
    ASSERT_OK(ait_problem_add_network_lq(together.get(), &data.network, 0.3, 0.5, 0.1));
    const char *methods[] = {"iaptt-gm", "bda", "ls"};
    ait_solver_options options = make_options(methods[mapping], mapping == AIT_MAPPING_LBFGS ? 60 : 5, 0.7);
    options.method.mapping = mapping;
    const Outcome all = run(together, options, x, z, 3);
    for (int64_t b = 0; b < 2; b++) {
      ait_problem *made = nullptr;
      ASSERT_OK(ait_problem_create_cleaning(context.get(), &data.network, 1, &data.entries[b], &made));
      Problem alone(made, ait_problem_destroy);
      ASSERT_OK(ait_problem_add_network_lq(made, &data.network, 0.3, 0.5, 0.1));
      const int64_t x_begin = b == 0 ? 0 : 23, x_end = b == 0 ? 23 : 40;
      const Outcome one = run(alone, options, part(x, x_begin, x_end), part(z, b * m, (b + 1) * m), 3);
      EXPECT_EQ(one.x, part(all.x, x_begin, x_end)) << methods[mapping];
      EXPECT_EQ(one.z, part(all.z, b * m, (b + 1) * m)) << methods[mapping];
      EXPECT_EQ(one.y, part(all.y, b * m, (b + 1) * m)) << methods[mapping];
    }
  }
}

TEST(Terms, WhatIsOffIsRefusedByName) {
  Context context = make_context();
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_convex(context.get(), 2, &made));
  Problem problem(made, ait_problem_destroy);
  const double nan = std::nan("");
  const struct {
    ait_lq_term term;
    const char *words;
  } wrong[] = {{{0, 5, 1, 0.5, 0.1}, "begins at variable 0 and has 5"},
               {{-1, 2, 1, 0.5, 0.1}, "variable -1"},
               {{4, 1, 1, 0.5, 0.1}, "begins at variable 4"},
               {{0, 0, 1, 0.5, 0.1}, "has 0 of them"},
               {{0, 4, 0, 0.5, 0.1}, "expected weight to be above 0"},
               {{0, 4, 1, 1, 0.1}, "q to be above 0 and below 1"},
               {{0, 4, 1, nan, 0.1}, "expected q"},
               {{0, 4, 1, 0.5, 0}, "expected epsilon"}};
  for (const auto &tested : wrong) {
    EXPECT_EQ(ait_problem_add_lq(made, 1, &tested.term), AIT_INVALID_ARGUMENT);
    EXPECT_NE(std::string(ait_last_error()).find(tested.words), std::string::npos) << ait_last_error();
  }
  EXPECT_EQ(ait_problem_add_lq(made, -1, nullptr), AIT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ait_last_error()).find("-1 l_q terms"), std::string::npos) << ait_last_error();
  EXPECT_EQ(ait_problem_add_lq(made, 0, nullptr), AIT_OK);
  const int64_t sizes[] = {3, 2};
  const ait_network network = {1, sizes, AIT_ACTIVATION_NONE};
  EXPECT_EQ(ait_problem_add_network_lq(made, &network, 1, 0.5, 0.1), AIT_INVALID_ARGUMENT);
}

class CleaningRuns : public testing::TestWithParam<std::tuple<const char *, std::vector<int64_t>, ait_activation>> {};

TEST_P(CleaningRuns, BatchEqualsSeparateRunsBitForBit) {
  const auto &[method, sizes, activation] = GetParam();
  std::mt19937 engine(11);
  Context context = make_context();
  CleaningData data(engine, sizes, activation, {33, 300, 64}, 70, true);
  Problem together = data.problem(context);
  const int64_t m = ait_problem_m(together.get());
  const ait_solver_options options = make_options(method, 5, 0.7);
  const Reals x = random_reals(engine, data.n, 2);
  Reals z = random_reals(engine, 3 * m, 0.3);
  for (int64_t i = 0; i < m; i++) {
    z[i] *= 3;            // a bad start, from which F falls: kbar = 1
    z[2 * m + i] *= 0.1;  // one that knows nothing: on random labels F rises from there
  }
  const Outcome all = run(together, options, x, z, 3);
  if (std::string(method) == "iaptt-gm") {
    EXPECT_FALSE(all.kbar[0] == all.kbar[1] && all.kbar[1] == all.kbar[2]) << "the selection is not put to the test";
  }
  int64_t x_offset = 0;
  for (int b = 0; b < 3; b++) {
    const int64_t rows = ait_matrix_rows(data.entries[b].train);
    ait_problem *made = nullptr;
    ASSERT_OK(ait_problem_create_cleaning(context.get(), &data.network, 1, &data.entries[b], &made));
    Problem alone(made, ait_problem_destroy);
    const Outcome one = run(alone, options, Reals(x.begin() + x_offset, x.begin() + x_offset + rows),
                            Reals(z.begin() + b * m, z.begin() + (b + 1) * m), 3);
    EXPECT_TRUE(std::equal(one.x.begin(), one.x.end(), all.x.begin() + x_offset)) << b;
    EXPECT_TRUE(std::equal(one.gx.begin(), one.gx.end(), all.gx.begin() + x_offset)) << b;
    EXPECT_TRUE(std::equal(one.z.begin(), one.z.end(), all.z.begin() + b * m)) << b;
    EXPECT_TRUE(std::equal(one.y.begin(), one.y.end(), all.y.begin() + b * m)) << b;
    EXPECT_TRUE(std::equal(one.gz.begin(), one.gz.end(), all.gz.begin() + b * m)) << b;
    EXPECT_EQ(one.kbar[0], all.kbar[b]);
    x_offset += rows;
  }
}

TEST_P(CleaningRuns, SameBitsAgainAndForEveryNumberOfThreads) {
  if (std::string(kTestDevice) != "cpu") {
    GTEST_SKIP() << "threads are the CPU's; the batch's test and RolloutTest compare bits on this device";
  }
  const auto &[method, sizes, activation] = GetParam();
  std::mt19937 engine(12);
  CleaningData data(engine, sizes, activation, {1500}, 700, true);
  const ait_solver_options options = make_options(method, 4, 0.5);
  const Reals x = random_reals(engine, data.n, 2);
  const Reals z = random_reals(engine, ait_network_parameters(&data.network), 0.3);
  Context first = make_context(1);
  const Outcome expected = run(data.problem(first), options, x, z, 3);
  for (int threads : {1, 2, 3}) {
    Context context = make_context(threads);
    EXPECT_TRUE(run(data.problem(context), options, x, z, 3) == expected) << threads << " threads";
  }
}

double relative_error(const Reals &values, const Reals &expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < values.size(); i++) {
    difference += std::pow(static_cast<double>(values[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

// A bound on y that no y comes near: the same problem, but its steps are taken one by one.
TEST_P(CleaningRuns, WholeRolloutsAreTheirSingleSteps) {
  const auto &[method, sizes, activation] = GetParam();
  std::mt19937 engine(13);
  CleaningData data(engine, sizes, activation, {700, 33}, 300, true);
  Context context = make_context();
  Problem whole = data.problem(context), single = data.problem(context);
  ASSERT_OK(ait_problem_bound_y(single.get(), -1e30, 1e30));
  const ait_solver_options options = make_options(method, 5, 0.5);
  const Reals x = random_reals(engine, data.n, 2);
  const Reals z = random_reals(engine, 2 * ait_network_parameters(&data.network), 0.3);
  const Outcome one = run(whole, options, x, z, 1), other = run(single, options, x, z, 1);
  const double tolerance = kDouble ? 1e-12 : 2e-5;
  EXPECT_EQ(one.kbar, other.kbar);
  EXPECT_LE(relative_error(one.y, other.y), tolerance);
  EXPECT_LE(relative_error(one.gx, other.gx), tolerance);
  EXPECT_LE(relative_error(one.gz, other.gz), tolerance);
  for (size_t k = 0; k < one.F.size(); k++) {
    EXPECT_EQ(std::isnan(one.F[k]), std::isnan(other.F[k])) << k;
    EXPECT_FALSE(static_cast<double>(std::abs(one.F[k] - other.F[k])) >
                 tolerance * std::abs(static_cast<double>(other.F[k])))
        << k;
  }
}

std::string cleaning_name(const testing::TestParamInfo<CleaningRuns::ParamType> &tested) {
  static const char *const names[] = {"linear", "linear_nesterov", "deep",      "deep_nesterov",
                                      "relu",   "tanh_last_steps", "linear_cg", "tanh_neumann"};
  return names[tested.index];
}

INSTANTIATE_TEST_SUITE_P(
    Cleaning, CleaningRuns,
    testing::Values(std::make_tuple("iaptt-gm", std::vector<int64_t>{70, 11}, AIT_ACTIVATION_NONE),
                    std::make_tuple("ia-gm-a", std::vector<int64_t>{70, 11}, AIT_ACTIVATION_NONE),
                    std::make_tuple("iaptt-gm", std::vector<int64_t>{70, 13, 9, 11}, AIT_ACTIVATION_NONE),
                    std::make_tuple("ia-gm-a", std::vector<int64_t>{70, 50, 47}, AIT_ACTIVATION_NONE),
                    std::make_tuple("iaptt-gm", std::vector<int64_t>{70, 33, 11}, AIT_ACTIVATION_RELU),
                    std::make_tuple("t-rhg", std::vector<int64_t>{70, 33, 11}, AIT_ACTIVATION_TANH),
                    std::make_tuple("ls", std::vector<int64_t>{70, 11}, AIT_ACTIVATION_NONE),
                    std::make_tuple("ns", std::vector<int64_t>{70, 33, 11}, AIT_ACTIVATION_TANH)),
    cleaning_name);

TEST(Cleaning, RefusesLabelsAndFeaturesThatDoNotFit) {
  std::mt19937 engine(3);
  Context context = make_context();
  CleaningData data(engine, {5, 3}, AIT_ACTIVATION_NONE, {8}, 6, true);
  ait_problem *problem = nullptr;
  data.labels[0][4] = 3;
  EXPECT_EQ(ait_problem_create_cleaning(context.get(), &data.network, 1, data.entries.data(), &problem), AIT_BAD_DATA);
  EXPECT_EQ(std::string(ait_last_error()), "the label of training row 4 is 3; expected 0 to 2");
  data.labels[0][4] = 0;
  const int64_t sizes[] = {6, 3};
  const ait_network other = {1, sizes, AIT_ACTIVATION_NONE};
  EXPECT_EQ(ait_problem_create_cleaning(context.get(), &other, 1, data.entries.data(), &problem), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(ait_last_error()), "the training rows of entry 0 have 5 features; the network expects 6");
  EXPECT_EQ(ait_problem_create_cleaning(context.get(), &data.network, 0, data.entries.data(), &problem),
            AIT_INVALID_ARGUMENT);
  ait_matrix *made = nullptr;
  ASSERT_OK(ait_matrix_view(AIT_U8, 0, 5, 5, data.pixels[0].data(), &made));
  const Matrix nothing(made, ait_matrix_destroy);
  const ait_cleaning_entry empty = {data.entries[0].train, data.labels[0].data(), nothing.get(), nullptr};
  EXPECT_EQ(ait_problem_create_cleaning(context.get(), &data.network, 1, &empty, &problem), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(ait_last_error()), "entry 0 has no validation rows; expected 1 or more");
  ait_predictor *predictor = nullptr;
  EXPECT_EQ(ait_predictor_create(context.get(), &data.network, nothing.get(), &predictor), AIT_INVALID_ARGUMENT);
}

/* Probabilities and accuracy against a plain forward pass in double. */
TEST(Predictor, AgreesWithAPlainForwardPass) {
  std::mt19937 engine(5);
  Context context = make_context();
  for (auto [sizes, activation] : {std::pair(std::vector<int64_t>{9, 4}, AIT_ACTIVATION_NONE),
                                   std::pair(std::vector<int64_t>{9, 6, 5, 4}, AIT_ACTIVATION_NONE),
                                   std::pair(std::vector<int64_t>{9, 6, 5, 4}, AIT_ACTIVATION_RELU),
                                   std::pair(std::vector<int64_t>{9, 6, 4}, AIT_ACTIVATION_TANH)}) {
    CleaningData data(engine, sizes, activation, {1300}, 6, true);
    const Reals y = random_reals(engine, ait_network_parameters(&data.network), 0.9);
    ait_predictor *predictor = nullptr;
    ASSERT_OK(ait_predictor_create(context.get(), &data.network, data.matrices[0].get(), &predictor));
    Reals probabilities(1300 * 4);
    double accuracy = 0;
    ASSERT_OK(ait_predictor_probabilities(predictor, y.data(), probabilities.data()));
    ASSERT_OK(ait_predictor_accuracy(predictor, y.data(), data.labels[0].data(), &accuracy));
    int correct = 0;
    for (int i = 0; i < 1300; i++) {
      std::vector<double> a(data.features[0].begin() + i * 9, data.features[0].begin() + (i + 1) * 9);
      size_t at = 0;
      for (size_t l = 1; l < sizes.size(); l++) {
        std::vector<double> next(sizes[l]);
        for (int64_t r = 0; r < sizes[l]; r++) {
          for (int64_t c = 0; c < sizes[l - 1]; c++) {
            next[r] += static_cast<double>(y[at + r * sizes[l - 1] + c]) * a[c];
          }
          next[r] += y[at + sizes[l] * sizes[l - 1] + r];
          if (l + 1 < sizes.size() && activation != AIT_ACTIVATION_NONE) {
            next[r] = activation == AIT_ACTIVATION_RELU ? std::fmax(next[r], 0) : std::tanh(next[r]);
          }
        }
        at += sizes[l] * (sizes[l - 1] + 1);
        a = next;
      }
      double sum = 0;
      for (double value : a) {
        sum += std::exp(value);
      }
      for (int c = 0; c < 4; c++) {
        EXPECT_LE(std::abs(probabilities[i * 4 + c] - std::exp(a[c]) / sum), kDouble ? 1e-13 : 3e-6);
      }
      correct += std::max_element(a.begin(), a.end()) - a.begin() == data.labels[0][i];
    }
    EXPECT_NEAR(accuracy, correct / 1300.0, kDouble ? 1e-12 : 1.5 / 1300);
    ait_predictor_destroy(predictor);
  }
}

/* ---- a solver's state -------------------------------------------------------------------------- */

using Bytes = std::vector<unsigned char>;

Bytes state_of(const Solver &solver) {
  Bytes state(ait_solver_state_size(solver.get()));
  EXPECT_OK(ait_solver_get_state(solver.get(), state.data()));
  return state;
}

/* F along the trajectory of every step, and the state after the last one. */
std::pair<Reals, Bytes> go_on(const Solver &solver, int64_t steps, int64_t values) {
  Reals F;
  for (int64_t t = 0; t < steps; t++) {
    EXPECT_OK(ait_solver_step(solver.get()));
    const ait_real *found = ait_solver_trajectory_F(solver.get());
    F.insert(F.end(), found, found + values);
  }
  return {F, state_of(solver)};
}

struct StateTest : testing::Test {
  std::mt19937 engine{23};
  Context context = make_context(1);
  CleaningData data{engine, {9, 6, 4}, AIT_ACTIVATION_TANH, {23, 17}, 19, true};
  Problem problem = data.problem(context);
  Reals x = random_reals(engine, data.n, 1), z = random_reals(engine, 2 * 88, 0.3);
};

TEST_F(StateTest, GoesOnToTheSameBits) {
  std::vector<std::pair<std::string, ait_solver_options>> cases;
  for (int32_t i = 0; ait_method_name(i) != nullptr; i++) {
    const std::string name = ait_method_name(i);
    cases.emplace_back(name, make_options(name.c_str(), name == "one-stage" ? 1 : 5, 0.4));
  }
  const auto add = [&cases](const char *name, const char *method, auto change) {
    ait_solver_options options = make_options(method, 5, 0.4);
    change(options);
    cases.emplace_back(name, options);
  };
  add("Adam and a cosine", "iaptt-gm", [](auto &o) {
    o.ul_optimizer.kind = o.init_optimizer.kind = AIT_OPTIMIZER_ADAM;
    o.ul_optimizer.rate.kind = AIT_SCHEDULE_COSINE;
  });
  add("momentum", "ia-gm", [](auto &o) { o.ul_optimizer.momentum = o.init_optimizer.momentum = 0.7; });
  add("a warm start", "rhg", [](auto &o) { o.method.initialisation = AIT_INITIALISATION_WARM; });
  add("L-BFGS", "ls", [](auto &o) {
    o.method.mapping = AIT_MAPPING_LBFGS;
    o.method.lbfgs.tolerance = 1e-3;
  });
  for (auto &[name, options] : cases) {
    options.ul_iterations = 6;
    options.ul_optimizer.gradient_scale = 40;
    const Solver unbroken = make_solver(problem, options, x, z), first = make_solver(problem, options, x, z),
                 second = make_solver(problem, options, x, z);
    const int64_t values = 2 * (options.ll_steps + 1);
    const Bytes start = state_of(first);
    go_on(unbroken, 3, values);
    const Bytes half = go_on(first, 3, values).second;
    EXPECT_NE(start, half) << name;
    const auto expected = go_on(unbroken, 3, values);
    ASSERT_OK(ait_solver_set_state(second.get(), half.size(), half.data())) << name;
    EXPECT_EQ(ait_solver_iteration(second.get()), 3);
    EXPECT_EQ(state_of(second), half) << name;
    EXPECT_EQ(go_on(second, 3, values), expected) << name;
    // A solver that has been somewhere goes back.
    ASSERT_OK(ait_solver_set_state(first.get(), start.size(), start.data()));
    EXPECT_EQ(go_on(first, 6, values).second, expected.second) << name;
  }
}

TEST_F(StateTest, IsRefusedWhereItDoesNotFit) {
  const ait_solver_options options = make_options("iaptt-gm", 5, 0.4);
  const Solver solver = make_solver(problem, options, x, z);
  const Bytes before = go_on(solver, 2, 12).second;
  for (size_t bytes = 0; bytes < before.size(); bytes++) {
    ASSERT_EQ(ait_solver_set_state(solver.get(), bytes, before.data()), AIT_BAD_DATA) << bytes;
  }
  for (size_t byte = 0; byte < 8 * 8; byte++) {  // what says whose state it is
    Bytes other = before;
    other[byte] ^= 1;
    ASSERT_EQ(ait_solver_set_state(solver.get(), other.size(), other.data()), AIT_BAD_DATA) << byte;
  }
  EXPECT_EQ(state_of(solver), before);
  ait_solver_options adam = options;
  adam.ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  const Solver another = make_solver(problem, adam, x, z);
  EXPECT_EQ(ait_solver_set_state(another.get(), before.size(), before.data()), AIT_BAD_DATA);
  EXPECT_NE(std::string(ait_last_error()).find("1 and 1 moments of x and z; this one has"), std::string::npos)
      << ait_last_error();
  Reals value(data.n);
  ASSERT_OK(ait_solver_set_state(solver.get(), before.size(), before.data()));
  EXPECT_EQ(ait_solver_get_gx(solver.get(), value.data()), AIT_UNSUPPORTED) << "gradients are of no earlier iteration";
}

/* ---- runs that iterate together ---------------------------------------------------------------- */

/* What a run of hyper-cleaning comes to. */
struct RunOutcome {
  Reals x, y, z;
  std::vector<double> gradient, history;
  std::string failure;

  explicit RunOutcome(const ait_run &run)
      : x(run.x, run.x + run.data->train_rows), y(run.y, run.y + run.m), z(run.z, run.z + run.m), failure(run.failure) {
    const double *score = run.scores[AIT_SCORE_GRADIENT];
    gradient.assign(score, score + run.data->train_rows);
    for (int64_t i = 0; i < run.history.count; i++) {
      const ait_history_row &row = run.history.rows[i];
      history.insert(history.end(), {row.F_kbar, row.F_K, static_cast<double>(row.kbar)});
    }
  }
  bool operator==(const RunOutcome &other) const {
    return x == other.x && y == other.y && z == other.z && gradient == other.gradient && history == other.history;
  }
};

/* Runs on the data sets of `rows`, all at once or one by one; run i has seed i. */
class Runs {
 public:
  Runs(const CleaningData &rows, const char *model, const char *method, double ll_rate, int64_t neumann_terms = -1)
      : rows_(rows), settings_(rows.entries.size()), data_(rows.entries.size()) {
    for (size_t i = 0; i < settings_.size(); i++) {
      ait_clean_settings &s = settings_[i];
      ait_clean_settings_init(&s);
      s.images = s.labels = s.validation_images = s.validation_labels = "rows.npy";
      EXPECT_OK(ait_model_parse(model, &s.model));
      EXPECT_OK(ait_method_by_name(method, &s.method));
      std::snprintf(s.method_name, sizeof s.method_name, "%s", method);
      s.method_settings.neumann_terms = neumann_terms;
      s.iterations = 4;
      s.ll_steps = 5;
      s.ll_rate = ll_rate;
      s.seed = i;
      s.quiet = 1;
      EXPECT_OK(ait_clean_settings_complete(&s));
      const ait_cleaning_entry &entry = rows.entries[i];
      data_[i].train = entry.train;
      data_[i].validation = entry.validation;
      data_[i].given = const_cast<int32_t *>(entry.train_labels);
      data_[i].validation_labels = const_cast<int32_t *>(entry.validation_labels);
      data_[i].train_rows = ait_matrix_rows(entry.train);
      data_[i].features = rows.sizes.front();
      data_[i].classes = static_cast<int32_t>(rows.sizes.back());
    }
  }
  std::vector<RunOutcome> together() {
    std::vector<ait_run> runs(settings_.size());
    for (size_t i = 0; i < runs.size(); i++) {
      EXPECT_OK(ait_run_begin(context_.get(), &settings_[i], &data_[i], &runs[i]));
    }
    status = ait_batch_iterate(static_cast<int64_t>(runs.size()), runs.data(), &stop_, nullptr);
    std::vector<RunOutcome> outcomes(runs.begin(), runs.end());
    for (ait_run &run : runs) {
      ait_run_end(&run);
    }
    return outcomes;
  }
  /* The same, one iteration a call: each goes on from the checkpoint that the one before it saved. */
  std::vector<RunOutcome> in_pieces() {
    const std::string path = testing::TempDir() + "pieces-" + std::to_string(getpid()) + ".ait";
    char *const arguments[] = {nullptr};
    const volatile sig_atomic_t stop = 1;
    std::vector<RunOutcome> outcomes;
    for (int64_t t = 0; t < settings_[0].iterations && status == AIT_OK; t++) {
      ait_checkpoint checkpoint;
      EXPECT_OK(t == 0 ? ait_checkpoint_begin(path.c_str(), arguments, &checkpoint)
                       : ait_checkpoint_open(path.c_str(), &checkpoint));
      EXPECT_OK(ait_checkpoint_bind(&checkpoint, context_.get(), static_cast<int64_t>(data_.size()), data_.data()));
      std::vector<ait_run> runs(settings_.size());
      for (size_t i = 0; i < runs.size(); i++) {
        EXPECT_OK(ait_run_begin(context_.get(), &settings_[i], &data_[i], &runs[i]));
      }
      status = ait_batch_iterate(static_cast<int64_t>(runs.size()), runs.data(), &stop, &checkpoint);
      outcomes = std::vector<RunOutcome>(runs.begin(), runs.end());
      for (ait_run &run : runs) {
        ait_run_end(&run);
      }
      ait_checkpoint_end(&checkpoint);
    }
    std::remove(path.c_str());
    return outcomes;
  }
  RunOutcome alone(size_t i) {
    ait_run run;
    EXPECT_OK(ait_run_begin(context_.get(), &settings_[i], &data_[i], &run));
    status = ait_run_iterate(&run, &stop_);
    const RunOutcome outcome(run);
    ait_run_end(&run);
    return outcome;
  }
  ait_status status = AIT_OK;

 private:
  const CleaningData &rows_;
  std::vector<ait_clean_settings> settings_;
  std::vector<ait_clean_data> data_;
  Context context_ = make_context(2);
  const volatile sig_atomic_t stop_ = 0;
};

TEST(Batch, ComesToWhatItsRunsComeToAlone) {
  std::mt19937 engine(17);
  const struct {
    const char *model, *method;
    std::vector<int64_t> sizes;
    double ll_rate;
  } cases[] = {{"linear", "iaptt-gm", {13, 4}, 4},
               {"deep:6", "ia-gm-a", {13, 6, 4}, 0.5},
               {"deep:6", "iaptt-gm", {13, 6, 4}, 1},
               {"linear", "ls", {13, 4}, 0.5}};
  for (const auto &c : cases) {
    const CleaningData rows(engine, c.sizes, AIT_ACTIVATION_NONE, {37, 37, 37}, 20, true);
    Runs runs(rows, c.model, c.method, c.ll_rate);
    const std::vector<RunOutcome> together = runs.together();
    ASSERT_OK(runs.status) << c.model << c.method;
    for (size_t i = 0; i < together.size(); i++) {
      EXPECT_TRUE(together[i] == runs.alone(i)) << c.model << " " << c.method << ", run " << i;
      ASSERT_OK(runs.status);
    }
    EXPECT_NE(together[0].y, together[1].y);
    if (c.ll_rate == 4) {
      EXPECT_NE(together[0].history, together[1].history) << "every run is to have a kbar of its own";
    }
  }
}

TEST(Batch, GoesOnFromItsCheckpoints) {
  std::mt19937 engine(19);
  const struct {
    const char *model, *method;
    std::vector<int64_t> sizes;
  } cases[] = {{"linear", "iaptt-gm", {13, 4}}, {"mlp:6", "ls", {13, 6, 4}}};
  for (const auto &c : cases) {
    const CleaningData rows(engine, c.sizes, AIT_ACTIVATION_NONE, {37, 37}, 20, true);
    Runs runs(rows, c.model, c.method, 0.5);
    const std::vector<RunOutcome> whole = runs.together(), pieces = runs.in_pieces();
    ASSERT_OK(runs.status) << c.model << c.method;
    ASSERT_EQ(pieces.size(), 2U);
    for (size_t i = 0; i < pieces.size(); i++) {
      EXPECT_TRUE(pieces[i] == whole[i]) << c.model << " " << c.method << ", run " << i;
    }
  }
}

/* A run that has left its batch stays out when the others go on. */
TEST(Batch, GoesOnWithoutTheRunThatDiverged) {
  std::mt19937 engine(18);
  CleaningData rows(engine, {13, 4}, AIT_ACTIVATION_NONE, {37, 37, 37}, 20, false);
  for (double &value : rows.features[2]) { /* training rows of run 1 */
    value *= 1e6;
  }
  Runs runs(rows, "linear", "iaptt-gm", 0.3);
  const std::vector<RunOutcome> whole = runs.together(), pieces = runs.in_pieces();
  ASSERT_OK(runs.status);
  ASSERT_EQ(pieces.size(), 3U);
  for (size_t i : {0, 2}) {
    EXPECT_TRUE(pieces[i] == whole[i]) << "run " << i;
  }
  EXPECT_EQ(pieces[1].failure, whole[1].failure);
}

/* Features that are too large for the step, so that f explodes in one case, in the other the Neumann series. */
TEST(Batch, RunThatDivergesLeavesTheOthersAlone) {
  for (const int64_t terms : {-1, 600}) {
    std::mt19937 engine(18);
    CleaningData rows(engine, {13, 4}, AIT_ACTIVATION_NONE, {37, 37, 37}, 20, false);
    for (double &value : rows.features[2]) { /* training rows of run 1 */
      value *= terms > 0 ? 60 : 1e6;
    }
    Runs runs(rows, "linear", terms > 0 ? "ns" : "iaptt-gm", 0.3, terms);
    const std::vector<RunOutcome> together = runs.together();
    ASSERT_OK(runs.status);
    EXPECT_NE(together[1].failure.find(terms > 0 ? "the Neumann series overflowed" : "the lower level diverged"),
              std::string::npos)
        << together[1].failure;
    runs.alone(1);
    EXPECT_EQ(runs.status, AIT_DIVERGED);
    EXPECT_EQ(together[1].failure, ait_last_error());
    for (size_t i : {0, 2}) {
      EXPECT_EQ(together[i].failure, "");
      EXPECT_TRUE(together[i] == runs.alone(i)) << "run " << i;
    }
  }
}

TEST(Network, StartIsPyTorchsDefaultAndTheSameInBothPrecisions) {
  const int64_t sizes[] = {784, 300, 10};
  const ait_network network = {2, sizes, AIT_ACTIVATION_NONE};
  Reals y(ait_network_parameters(&network)), other(y.size());
  ait_network_initialise(&network, 3, y.data());
  ait_network_initialise(&network, 4, other.data());
  EXPECT_NE(y, other);
  const size_t first = 785 * 300;
  double largest[2] = {0, 0}, squares[2] = {0, 0};
  for (size_t i = 0; i < y.size(); i++) {
    largest[i >= first] = std::fmax(largest[i >= first], std::abs(double(y[i])));
    squares[i >= first] += double(y[i]) * y[i];
  }
  const double bound[2] = {1 / std::sqrt(784.0), 1 / std::sqrt(300.0)};
  const double count[2] = {double(first), double(y.size() - first)};
  for (int l = 0; l < 2; l++) {
    EXPECT_LE(largest[l], bound[l] * (1 + 1e-7));
    EXPECT_GE(largest[l], bound[l] * 0.99);
    EXPECT_NEAR(squares[l] / count[l], bound[l] * bound[l] / 3, 0.05 * bound[l] * bound[l]);
  }
}

}  // namespace
