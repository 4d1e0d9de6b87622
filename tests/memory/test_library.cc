// test_library.cc - the library on a context that outlives failed allocations, on the CPU and on the emulated CUDA
// device: every function says what it lacked, and then does its work all the same.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "failing_memory.h"
#include "solver_support.h"

namespace {

using Work = std::function<ait_status()>;

class LibraryTest : public testing::TestWithParam<const char *> {
 protected:
  // Does the work with the first allocation failing, then with the second ..., until none is left to fail; and once
  // more with each such allocation failing and all that come after it. Work that can do without an allocation checks
  // itself that it came to the same.
  static void FailEverywhere(const Work &work) {
    for (bool all_after : {false, true}) {
      bool was_there = true;
      for (int64_t nth = 1; was_there; nth++) {
        failing_memory::Trace trace = {};
        failing_memory::Begin([&](int64_t number, const failing_memory::Trace &at) {
          trace = number == nth ? at : trace;
          return number == nth || (all_after && number > nth);
        });
        const ait_status status = work();
        const failing_memory::Result result = failing_memory::End();
        was_there = result.allocations >= nth;
        ASSERT_EQ(result.left, 0) << "allocation " << nth << ", " << Describe(trace)
                                  << ": not freed: " << Describe(result.left_at);
        ASSERT_TRUE(status == AIT_OK || (was_there && status == AIT_OUT_OF_MEMORY)) << ait_last_error();
        if (status != AIT_OK) {
          ASSERT_NE(std::string(ait_last_error()).find("memory"), std::string::npos) << ait_last_error();
        }
      }
    }
  }
};

TEST_P(LibraryTest, Context) {
  FailEverywhere([] {
    ait_context_options options;
    ait_context_options_init(&options);
    options.device = GetParam();
    options.threads = 1;
    ait_context *context = nullptr;
    const ait_status status = ait_context_create(&options, &context);
    ait_context_destroy(context);
    return status;
  });
}

// The one reader that no command of the other tests needs.
TEST_P(LibraryTest, Cifar) {
  std::string folder = testing::TempDir() + "ait-test-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  for (int i = 1; i <= 5; i++) {
    std::ofstream(folder + "/data_batch_" + std::to_string(i) + ".bin", std::ios::binary) << std::string(30730, '\3');
  }
  FailEverywhere([&] {
    ait_dataset *dataset = nullptr;
    const ait_status status = ait_dataset_load("cifar10", folder.c_str(), AIT_TRAIN_PART, &dataset);
    ait_dataset_destroy(dataset);
    return status;
  });
  std::filesystem::remove_all(folder);
}

// Rows whose zeros the CPU leaves out: an order of columns and a copy.
TEST_P(LibraryTest, Pictures) {
  std::mt19937 engine(6);
  CleaningData data(engine, {64, 2}, AIT_ACTIVATION_NONE, {256}, 5, true);
  for (size_t k = 0; k < data.pixels[0].size(); k++) {
    data.pixels[0][k] = k % 4 == 0 ? data.pixels[0][k] : 0;
  }
  const Context context = make_context(1, GetParam());
  FailEverywhere([&] {
    ait_problem *problem = nullptr;
    const ait_status status =
        ait_problem_create_cleaning(context.get(), &data.network, 1, data.entries.data(), &problem);
    ait_problem_destroy(problem);
    return status;
  });
}

// A problem, a solver and its steps; the numbers are those of work in which nothing failed.
class MethodTest : public LibraryTest {
 protected:
  ait_status Solve(const std::string &method, Reals *x) {
    ait_problem *problem = nullptr;
    ait_solver *solver = nullptr;
    ait_solver_options options;
    ait_solver_options_init(&options);
    options.ll_steps = method == "one-stage" ? 1 : 4;
    options.ll_rate.rate = 0.1;
    ait_status status = ait_method_by_name(method.c_str(), &options.method);
    if (status == AIT_OK) {
      status = ait_problem_create_cleaning(context_.get(), &data_.network, 1, data_.entries.data(), &problem);
    }
    if (status == AIT_OK) {
      const Reals start(data_.n), z(ait_problem_m(problem), ait_real(0.1));
      status = ait_solver_create(problem, &options, start.data(), z.data(), &solver);
    }
    for (int t = 0; t < 2 && status == AIT_OK; t++) {
      status = ait_solver_step(solver);
    }
    if (status == AIT_OK) {
      x->resize(data_.n);
      status = ait_solver_get_x(solver, x->data());
    }
    ait_solver_destroy(solver);
    ait_problem_destroy(problem);
    return status;
  }

  std::mt19937 engine_{5};
  CleaningData data_{engine_, {4, 3, 2}, AIT_ACTIVATION_RELU, {6}, 5, true};
  Context context_ = make_context(1, GetParam());
};

TEST_P(MethodTest, KindsOfHyperGradients) {
  for (const std::string method : {"ait", "bda", "ls", "one-stage"}) {
    Reals expected, x;
    ASSERT_OK(Solve(method, &expected)) << method;
    FailEverywhere([&] {
      const ait_status status = Solve(method, &x);
      EXPECT_TRUE(status != AIT_OK || x == expected);
      return status;
    });
    ASSERT_FALSE(HasFailure()) << method;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, LibraryTest, testing::Values("cpu", "cuda"),
                         [](const auto &device) { return std::string(device.param); });
INSTANTIATE_TEST_SUITE_P(Devices, MethodTest, testing::Values("cpu", "cuda"),
                         [](const auto &device) { return std::string(device.param); });

}  // namespace
