/* The solver on the CUDA device: beside the CPU, with recordings and without, and how often it waits. */
#include <algorithm>

#include "context/context.h"
#include "solver_support.h"
#ifdef AIT_TEST_SIMT
#include "run/run.h"
#include "simt.h"
#endif

namespace {

/* A network, its data, and the settings of a run. */
struct Setting {
  std::string name, method;
  std::vector<int64_t> sizes;
  ait_activation activation;
  std::vector<int64_t> train_rows;
  bool u8;
  ait_preconditioner preconditioner = AIT_PRECONDITIONER_NONE;
  void (*change)(ait_method &method) = nullptr; /* what is not the named method's */
};

void PrintTo(const Setting &setting, std::ostream *out) {
  *out << setting.name;
}

/* One data set on one device, its problem and a solver of it. */
struct DeviceRun {
  Context context;
  Problem problem;
  Solver solver;

  DeviceRun(Context opened, const CleaningData &data, const ait_solver_options &options)
      : context(std::move(opened)), problem(data.problem(context)), solver(start(data, options)) {}

  Solver start(const CleaningData &data, const ait_solver_options &options) const {
    std::mt19937 engine(5);
    const size_t m = static_cast<size_t>(ait_problem_m(problem.get())) * data.entries.size();
    return make_solver(problem, options, random_reals(engine, static_cast<size_t>(data.n), 0.5),
                       random_reals(engine, m, 0.3));
  }

  Reals x() const {
    Reals values(static_cast<size_t>(ait_problem_n(problem.get())));
    EXPECT_OK(ait_solver_get_x(solver.get(), values.data()));
    return values;
  }
  Reals z() const {
    Reals values(static_cast<size_t>(ait_problem_m(problem.get()) * ait_problem_batch(problem.get())));
    EXPECT_OK(ait_solver_get_z(solver.get(), values.data()));
    return values;
  }
  Reals gx() const {
    Reals values(static_cast<size_t>(ait_problem_n(problem.get())));
    EXPECT_OK(ait_solver_get_gx(solver.get(), values.data()));
    return values;
  }
  Reals gz() const {
    Reals values(z().size());
    EXPECT_OK(ait_solver_get_gz(solver.get(), values.data()));
    return values;
  }
};

CleaningData make_data(const Setting &setting) {
  std::mt19937 engine(17);
  return CleaningData(engine, setting.sizes, setting.activation, setting.train_rows, 40, setting.u8);
}

ait_solver_options settings_of(const Setting &setting, int64_t ll_steps) {
  ait_solver_options options = make_options(setting.method.c_str(), ll_steps, 0.5);
  options.ll_rate = {AIT_SCHEDULE_STEP, 0.5, 0.9, 0, 2};
  options.method.conjugate_gradient.preconditioner = setting.preconditioner;
  if (setting.change != nullptr) {
    setting.change(options.method);
  }
  options.ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  options.ul_optimizer.rate = {AIT_SCHEDULE_COSINE, 0.05, 1, 0.01, 4};
  options.ul_optimizer.gradient_scale = 10;
  options.init_optimizer.rate = {AIT_SCHEDULE_STEP, 0.1, 0.5, 0, 2};
  options.init_optimizer.momentum = 0.5;
  options.ul_iterations = 50;
  return options;
}

double relative_error(const Reals &a, const Reals &b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < b.size(); i++) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

class CudaSolver : public testing::TestWithParam<Setting> {};

/* The tolerance of the design: 2e-5 in float, 1e-9 in double. */
TEST_P(CudaSolver, HypergradientsAreTheCpus) {
  const CleaningData data = make_data(GetParam());
  const ait_solver_options options = settings_of(GetParam(), 8);
  const DeviceRun cpu(make_context(2, "cpu"), data, options), cuda(make_context(2, "cuda"), data, options);
  ASSERT_OK(ait_solver_hypergradient(cpu.solver.get()));
  ASSERT_OK(ait_solver_hypergradient(cuda.solver.get()));
  const double tolerance = kDouble ? 1e-9 : 2e-5;
  EXPECT_LE(relative_error(cuda.gx(), cpu.gx()), tolerance);
  EXPECT_LE(relative_error(cuda.gz(), cpu.gz()), tolerance);
  for (size_t b = 0; b < data.entries.size(); b++) {
    EXPECT_EQ(ait_solver_kbar(cuda.solver.get())[b], ait_solver_kbar(cpu.solver.get())[b]);
  }
}

/* From the second iteration on steps are replayed: with new step sizes, new x and z, another kbar. */
TEST_P(CudaSolver, ReplayedStepsGiveTheBitsOfStepsThatAreNot) {
  const CleaningData data = make_data(GetParam());
  const ait_solver_options options = settings_of(GetParam(), 6);
  DeviceRun replayed(make_context(2, "cuda"), data, options);
  ASSERT_NE(nullptr, replayed.context->device.runtime->begin_recording);
  Context plain = make_context(2, "cuda");
  ait_runtime_ops runtime = *plain->device.runtime;
  runtime.begin_recording = nullptr;
  plain->device.runtime = &runtime;
  DeviceRun run(std::move(plain), data, options);
  for (int t = 0; t < 5; t++) {
    ASSERT_OK(ait_solver_step(replayed.solver.get()));
    ASSERT_OK(ait_solver_step(run.solver.get()));
  }
  EXPECT_EQ(replayed.x(), run.x());
  EXPECT_EQ(replayed.z(), run.z());
}

void accelerate_pessimistically(ait_method &method) {
  method.nesterov = 1;
  method.truncation = AIT_TRUNCATION_PESSIMISTIC;
}

/* So few rows can be separated: f has no least value, and after eight looks H is so nearly singular that q without
 * damping depends on the rounding of y_K. */
void solve_by_lbfgs(ait_method &method) {
  method.mapping = AIT_MAPPING_LBFGS;
  if (method.hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
    method.conjugate_gradient.damping = 0.05;
  }
}

void shrink(ait_method &method) {
  method.mapping = AIT_MAPPING_PROXIMAL;
  method.proximal = {AIT_PROX_ELASTIC_NET, 0.01, 0.1, 0, 0};
}

INSTANTIATE_TEST_SUITE_P(
    Settings, CudaSolver,
    testing::Values(
        Setting{"linear", "iaptt-gm", {21, 5}, AIT_ACTIVATION_NONE, {70}, true},
        Setting{"linear_batch", "iaptt-gm", {21, 5}, AIT_ACTIVATION_NONE, {50, 33}, true},
        Setting{"deep_nesterov", "ia-gm-a", {21, 8, 5}, AIT_ACTIVATION_NONE, {70}, true},
        Setting{"many_classes", "iaptt-gm", {12, 40}, AIT_ACTIVATION_NONE, {90}, false},
        Setting{"relu", "iaptt-gm", {21, 9, 5}, AIT_ACTIVATION_RELU, {70}, false},
        Setting{"aggregate", "bda", {21, 8, 5}, AIT_ACTIVATION_NONE, {70}, true},
        Setting{"proximal_batch",
                "iaptt-gm",
                {21, 5},
                AIT_ACTIVATION_NONE,
                {50, 33},
                true,
                AIT_PRECONDITIONER_NONE,
                shrink},
        Setting{"aggregate_batch",
                "bda",
                {21, 5},
                AIT_ACTIVATION_NONE,
                {50, 33},
                true,
                AIT_PRECONDITIONER_NONE,
                accelerate_pessimistically},
        Setting{"conjugate_gradient_batch", "ls", {21, 5}, AIT_ACTIVATION_NONE, {50, 33}, true},
        Setting{
            "preconditioned_batch", "ls", {21, 5}, AIT_ACTIVATION_NONE, {50, 33}, true, AIT_PRECONDITIONER_DIAGONAL},
        Setting{"lbfgs_batch",
                "ls",
                {21, 5},
                AIT_ACTIVATION_NONE,
                {50, 33},
                true,
                AIT_PRECONDITIONER_DIAGONAL,
                solve_by_lbfgs},
        Setting{
            "lbfgs_tanh", "ns", {21, 9, 5}, AIT_ACTIVATION_TANH, {70}, true, AIT_PRECONDITIONER_NONE, solve_by_lbfgs},
        Setting{"neumann", "ns", {21, 8, 5}, AIT_ACTIVATION_NONE, {70}, true},
        Setting{"tanh_last_steps", "t-rhg", {21, 9, 5}, AIT_ACTIVATION_TANH, {70}, true}),
    [](const auto &tested) { return tested.param.name; });

int synchronisations = 0;
const ait_runtime_ops *device_runtime = nullptr;

ait_status counted_synchronize(ait_device *device) {
  synchronisations++;
  return device_runtime->synchronize(device);
}

/* A device that finds a recording too long. */
ait_status refuse_recording(ait_device *device, ait_recording **) {
  EXPECT_OK(device_runtime->end_recording(device, nullptr));
  return AIT_UNSUPPORTED;
}

TEST(CudaRun, WhatIsTooLongToRecordJustRuns) {
  const Setting setting = {"linear", "iaptt-gm", {21, 5}, AIT_ACTIVATION_NONE, {70}, true};
  const CleaningData data = make_data(setting);
  const ait_solver_options options = settings_of(setting, 5);
  DeviceRun replayed(make_context(2, "cuda"), data, options);
  Context context = make_context(2, "cuda");
  ait_runtime_ops runtime = *context->device.runtime;
  device_runtime = context->device.runtime;
  runtime.end_recording = refuse_recording;
  context->device.runtime = &runtime;
  DeviceRun run(std::move(context), data, options);
  for (int t = 0; t < 4; t++) {
    ASSERT_OK(ait_solver_step(replayed.solver.get()));
    ASSERT_OK(ait_solver_step(run.solver.get()));
  }
  EXPECT_EQ(replayed.x(), run.x());
}

/* A difference of kbar counts only where F tells the two steps apart by more than rounding does. */
TEST(CudaRun, FiftyIterationsChooseTheKbarOfTheCpu) {
  const Setting setting = {"linear", "iaptt-gm", {21, 5}, AIT_ACTIVATION_NONE, {70}, true};
  const CleaningData data = make_data(setting);
  const ait_solver_options options = settings_of(setting, 10);
  const DeviceRun cpu(make_context(2, "cpu"), data, options), cuda(make_context(2, "cuda"), data, options);
  const double tolerance = kDouble ? 1e-9 : 2e-5;
  for (int t = 0; t < 50; t++) {
    ASSERT_OK(ait_solver_step(cpu.solver.get()));
    ASSERT_OK(ait_solver_step(cuda.solver.get()));
    const int32_t k = ait_solver_kbar(cpu.solver.get())[0], other = ait_solver_kbar(cuda.solver.get())[0];
    const ait_real *F = ait_solver_trajectory_F(cpu.solver.get());
    const double gap = std::abs(static_cast<double>(F[k]) - static_cast<double>(F[other]));
    EXPECT_TRUE(k == other || gap <= tolerance * std::abs(static_cast<double>(F[k])))
        << "iteration " << t << ": kbar " << k << " and " << other << ", F differs by " << gap;
  }
  EXPECT_LE(relative_error(cuda.x(), cpu.x()), 50 * tolerance);
}

TEST(CudaRun, WaitsOnceAnIteration) {
  for (const char *method : {"iaptt-gm", "ls", "ns"}) {
    const Setting setting = {"deep", method, {21, 8, 5}, AIT_ACTIVATION_NONE, {70}, true};
    const CleaningData data = make_data(setting);
    Context context = make_context(2, "cuda");
    ait_runtime_ops runtime = *context->device.runtime;
    device_runtime = context->device.runtime;
    runtime.synchronize = counted_synchronize;
    context->device.runtime = &runtime;
    DeviceRun run(std::move(context), data, settings_of(setting, 5));
    for (int t = 0; t < 3; t++) {
      ASSERT_OK(ait_solver_step(run.solver.get()));
    }
    synchronisations = 0;
#ifdef AIT_TEST_SIMT
    simt::ResetCounters();
#endif
    for (int t = 0; t < 7; t++) {
      ASSERT_OK(ait_solver_step(run.solver.get()));
    }
    EXPECT_EQ(7, synchronisations) << method;
#ifdef AIT_TEST_SIMT
    EXPECT_EQ(7, simt::GetCounters().blocking_waits) << method;
#endif
  }
}

#ifdef AIT_TEST_SIMT
/* Rows that stay in shared memory, rows that are streamed because it is small, and a GPU that cannot launch
 * cooperatively: the first two to the bit, the third to rounding. */
TEST(CudaRun, WhereRowsStandChangesNothing) {
  const Setting setting = {"linear", "rhg", {70, 5}, AIT_ACTIVATION_NONE, {600}, true};
  const CleaningData data = make_data(setting);
  const ait_solver_options options = settings_of(setting, 3);
  const auto run = [&] {
    DeviceRun made(make_context(2, "cuda"), data, options);
    EXPECT_OK(ait_solver_hypergradient(made.solver.get()));
    return std::make_pair(made.gx(), made.gz());
  };
  simt::ResetCounters();
  const auto resident = run();
  const int64_t launches = simt::GetCounters().launches;
  simt::SetSharedMemory(20 << 10);
  const auto streamed = run();
  simt::SetSharedMemory(simt::kMostSharedMemory);
  EXPECT_EQ(resident, streamed);
  simt::SetCooperativeLaunch(false);
  simt::ResetCounters();
  const auto single = run();
  simt::SetCooperativeLaunch(true);
  EXPECT_GT(simt::GetCounters().launches, launches) << "one launch a rollout is less than several a step";
  const double tolerance = kDouble ? 1e-12 : 2e-6;
  EXPECT_LE(relative_error(single.first, resident.first), tolerance);
  EXPECT_LE(relative_error(single.second, resident.second), tolerance);
}

/* Waits of the host in `iterations` iterations of a hyper-cleaning run and what comes behind them. */
int64_t waits_of_a_run(int64_t iterations) {
  const Setting setting = {"linear", "iaptt-gm", {21, 5}, AIT_ACTIVATION_NONE, {70}, true};
  CleaningData rows = make_data(setting);
  ait_clean_settings settings;
  ait_clean_settings_init(&settings);
  settings.images = settings.labels = settings.validation_images = settings.validation_labels = "rows.npy";
  settings.iterations = iterations;
  settings.quiet = 1;
  EXPECT_OK(ait_clean_settings_complete(&settings));
  ait_clean_data data = {};
  data.train = rows.entries[0].train;
  data.validation = rows.entries[0].validation;
  data.given = rows.labels[0].data();
  data.validation_labels = rows.labels[1].data();
  data.train_rows = 70;
  data.validation_rows = 40;
  data.features = 21;
  data.classes = 5;
  Context context = make_context(2, "cuda");
  ait_run run;
  const volatile sig_atomic_t stop = 0;
  EXPECT_OK(ait_run_begin(context.get(), &settings, &data, &run));
  simt::ResetCounters();
  EXPECT_OK(ait_run_iterate(&run, &stop));
  const int64_t waits = simt::GetCounters().blocking_waits;
  ait_run_end(&run);
  return waits;
}

/* A whole run, not the solver alone: its sums of gradients stay on the device too. */
TEST(CudaRun, ARunWaitsOnceAnIteration) {
  EXPECT_EQ(6, waits_of_a_run(10) - waits_of_a_run(4));
}
#endif

}  // namespace
