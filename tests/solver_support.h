/* solver_support.h - what the tests of solver and problems share. */
#ifndef AIT_TESTS_SOLVER_SUPPORT_H
#define AIT_TESTS_SOLVER_SUPPORT_H

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ait/ait.h"

/* The device that the suites run on; each test program defines it. */
extern const char *const kTestDevice;

constexpr bool kDouble = sizeof(ait_real) == sizeof(double);

#define ASSERT_OK(call) ASSERT_EQ(call, AIT_OK) << ait_last_error()
#define EXPECT_OK(call) EXPECT_EQ(call, AIT_OK) << ait_last_error()

using Reals = std::vector<ait_real>;
using Context = std::unique_ptr<ait_context, decltype(&ait_context_destroy)>;
using Problem = std::unique_ptr<ait_problem, decltype(&ait_problem_destroy)>;
using Solver = std::unique_ptr<ait_solver, decltype(&ait_solver_destroy)>;
using Matrix = std::unique_ptr<ait_matrix, decltype(&ait_matrix_destroy)>;

inline Context make_context(int threads = 0, const char *device = kTestDevice) {
  ait_context_options options;
  ait_context_options_init(&options);
  options.device = device;
  options.threads = threads;
  ait_context *context = nullptr;
  EXPECT_OK(ait_context_create(&options, &context));
  return Context(context, ait_context_destroy);
}

/* The oracles of a problem in host memory; each argument is one of the table's functions. */
inline ait_oracles host_oracles(decltype(ait_oracles::ll_gradient) ll_gradient,
                                decltype(ait_oracles::ll_products) ll_products,
                                decltype(ait_oracles::ul_value) ul_value,
                                decltype(ait_oracles::ul_gradient) ul_gradient) {
  ait_oracles oracles = {};
  oracles.struct_size = sizeof oracles;
  oracles.flags = AIT_HOST_POINTERS;
  oracles.ll_gradient = ll_gradient;
  oracles.ll_products = ll_products;
  oracles.ul_value = ul_value;
  oracles.ul_gradient = ul_gradient;
  return oracles;
}

inline ait_solver_options make_options(const char *method, int64_t ll_steps, double ll_rate) {
  ait_solver_options options;
  ait_solver_options_init(&options);
  EXPECT_OK(ait_method_by_name(method, &options.method));
  options.ll_steps = ll_steps;
  options.ll_rate.rate = ll_rate;
  options.record_trajectory = 1;
  return options;
}

inline Solver make_solver(const Problem &problem, const ait_solver_options &options, const Reals &x, const Reals &z) {
  ait_solver *solver = nullptr;
  EXPECT_OK(ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver));
  return Solver(solver, ait_solver_destroy);
}

/* n numbers uniform in [-scale, scale). */
inline Reals random_reals(std::mt19937 &engine, size_t n, double scale) {
  std::uniform_real_distribution<double> uniform(-scale, scale);
  Reals values(n);
  for (auto &value : values) {
    value = static_cast<ait_real>(uniform(engine));
  }
  return values;
}

/* A small hyper-cleaning problem on random rows of any stored type. */
struct CleaningData {
  std::vector<int64_t> sizes;
  std::vector<std::vector<uint8_t>> pixels;  // train, validation, train, ... of the entries
  std::vector<std::vector<double>> features;
  std::vector<std::vector<int32_t>> labels;
  std::vector<Matrix> matrices;
  std::vector<ait_cleaning_entry> entries;
  ait_network network;
  int64_t n = 0;

  CleaningData(std::mt19937 &engine, std::vector<int64_t> layer_sizes, ait_activation activation,
               std::vector<int64_t> train_rows, int64_t validation_rows, bool u8)
      : sizes(std::move(layer_sizes)) {
    network = {static_cast<int32_t>(sizes.size() - 1), sizes.data(), activation};
    for (int64_t rows : train_rows) {
      add(engine, rows, u8);
      add(engine, validation_rows, u8);
      n += rows;
    }
    for (size_t i = 0; i < matrices.size(); i += 2) {
      entries.push_back({matrices[i].get(), labels[i].data(), matrices[i + 1].get(), labels[i + 1].data()});
    }
  }

  void add(std::mt19937 &engine, int64_t rows, bool u8) {
    const int64_t D = sizes.front();
    std::vector<uint8_t> bytes(rows * D);
    std::vector<double> numbers(rows * D);
    for (int64_t i = 0; i < rows * D; i++) {
      bytes[i] = static_cast<uint8_t>(engine() % 256);
      numbers[i] = bytes[i] / 128.0 - 1;
    }
    std::vector<int32_t> label(rows);
    for (auto &l : label) {
      l = static_cast<int32_t>(engine() % sizes.back());
    }
    pixels.push_back(std::move(bytes));
    features.push_back(std::move(numbers));
    labels.push_back(std::move(label));
    ait_matrix *matrix = nullptr;
    const void *data = u8 ? static_cast<const void *>(pixels.back().data()) : features.back().data();
    EXPECT_OK(ait_matrix_view(u8 ? AIT_U8 : AIT_F64, rows, D, D, data, &matrix));
    if (u8) {
      std::vector<double> scale(D, 1 / 128.0), shift(D, -1);
      EXPECT_OK(ait_matrix_set_scale(matrix, scale.data(), shift.data()));
    }
    matrices.emplace_back(matrix, ait_matrix_destroy);
  }

  Problem problem(const Context &context) const {
    ait_problem *made = nullptr;
    EXPECT_OK(ait_problem_create_cleaning(context.get(), &network, static_cast<int64_t>(entries.size()), entries.data(),
                                          &made));
    return Problem(made, ait_problem_destroy);
  }
};

#endif
