// test_device_runtime.cc - opening a device, and its memory.
#include <omp.h>
#if defined(__linux__) && defined(__x86_64__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#endif

#include <algorithm>
#include <numeric>

#include "device_cases.h"

namespace device_tests {
namespace {

class RuntimeTest : public testing::TestWithParam<DeviceCase> {};
INSTANTIATE_TEST_SUITE_P(Devices, RuntimeTest, testing::ValuesIn(Devices()), CaseName);

TEST_P(RuntimeTest, AllocatesAlignedMemoryOfEverySize) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (size_t bytes : {size_t{1}, size_t{255}, size_t{257}, size_t{5} << 20}) {
    void *memory = nullptr;
    ASSERT_EQ(AIT_OK, device->runtime->allocate(device.get(), bytes, &memory));
    ASSERT_NE(nullptr, memory);
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(memory) % 256) << bytes;
    EXPECT_EQ(AIT_OK, device->runtime->fill(device.get(), bytes, 7, memory));
    device->runtime->release(device.get(), memory);
  }
}

TEST_P(RuntimeTest, NoBytesAreANullPointer) {
  AIT_OPEN_DEVICE(device, GetParam());
  void *memory = device.get();
  EXPECT_EQ(AIT_OK, device->runtime->allocate(device.get(), 0, &memory));
  EXPECT_EQ(nullptr, memory);
  device->runtime->release(device.get(), nullptr);
}

TEST_P(RuntimeTest, TooManyBytesAreRefusedByName) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (size_t bytes : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 50}) {
    void *memory = device.get();
    EXPECT_EQ(AIT_OUT_OF_MEMORY, device->runtime->allocate(device.get(), bytes, &memory));
    EXPECT_EQ(nullptr, memory);
    EXPECT_NE(std::string::npos, std::string(ait_last_error()).find(std::to_string(bytes))) << ait_last_error();
  }
}

TEST_P(RuntimeTest, CopiesAndFills) {
  AIT_OPEN_DEVICE(device, GetParam());
  const std::vector<uint8_t> values = {1, 2, 3, 250};
  Buffer<uint8_t> buffer(device, values);
  EXPECT_EQ(values, buffer.Host());
  EXPECT_EQ(AIT_OK, device->runtime->fill(device.get(), 3, 0xff, buffer.get()));
  EXPECT_EQ((std::vector<uint8_t>{255, 255, 255, 250}), buffer.Host());
}

TEST_P(RuntimeTest, CopyingNothingIsAllowed) {
  AIT_OPEN_DEVICE(device, GetParam());
  EXPECT_EQ(AIT_OK, device->runtime->copy_in(device.get(), 0, nullptr, nullptr));
  EXPECT_EQ(AIT_OK, device->runtime->copy_out(device.get(), 0, nullptr, nullptr));
  EXPECT_EQ(AIT_OK, device->runtime->fill(device.get(), 0, 1, nullptr));
}

TEST_P(RuntimeTest, HostMemoryIsTheHostsOwn) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (size_t count : {size_t{1}, size_t{1000}, size_t{3} << 20}) {
    void *memory = nullptr;
    ASSERT_EQ(AIT_OK, device->runtime->allocate_host(device.get(), count * sizeof(int32_t), &memory));
    ASSERT_NE(nullptr, memory);
    int32_t *host = static_cast<int32_t *>(memory);
    std::vector<int32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 5);
    std::copy(numbers.begin(), numbers.end(), host);
    Buffer<int32_t> buffer(device, count, -1);
    EXPECT_EQ(AIT_OK, device->runtime->copy_in(device.get(), count * sizeof *host, host, buffer.get()));
    std::fill(host, host + count, 0);
    EXPECT_EQ(numbers, buffer.Host()) << "the host memory may be reused when copy_in returns";
    EXPECT_EQ(AIT_OK, device->runtime->copy_out(device.get(), count * sizeof *host, buffer.get(), host));
    EXPECT_EQ(AIT_OK, device->runtime->synchronize(device.get()));
    EXPECT_EQ(numbers, std::vector<int32_t>(host, host + count));
    device->runtime->release_host(device.get(), memory);
  }
}

TEST_P(RuntimeTest, NoBytesOfHostMemoryAreANullPointer) {
  AIT_OPEN_DEVICE(device, GetParam());
  void *memory = device.get();
  EXPECT_EQ(AIT_OK, device->runtime->allocate_host(device.get(), 0, &memory));
  EXPECT_EQ(nullptr, memory);
  device->runtime->release_host(device.get(), nullptr);
}

// Many small copies, then one of several pinned buffers: none may overtake or overwrite another.
TEST_P(RuntimeTest, CopiesOfEverySizeArriveWhole) {
  AIT_OPEN_DEVICE(device, GetParam());
  constexpr size_t kSmall = 40000;
  std::vector<int32_t> numbers(kSmall + (size_t{3} << 20) + 17);
  std::iota(numbers.begin(), numbers.end(), -7);
  Buffer<int32_t> buffer(device, numbers.size(), 0);
  for (size_t i = 0; i < kSmall; ++i) {
    const int32_t number = numbers[i];
    ASSERT_EQ(AIT_OK, device->runtime->copy_in(device.get(), sizeof number, &number, buffer.get() + i));
  }
  std::vector<int32_t> large(numbers.begin() + kSmall, numbers.end());
  ASSERT_EQ(AIT_OK, device->runtime->copy_in(device.get(), large.size() * sizeof(int32_t), large.data(),
                                             buffer.get() + kSmall));
  std::fill(large.begin(), large.end(), 0);
  EXPECT_EQ(numbers, buffer.Host());
}

TEST_P(RuntimeTest, RandomBytesAreThoseOfTheSeed) {
  AIT_OPEN_DEVICE(device, GetParam());
  constexpr size_t kGuard = 9;
  const auto draw = [&](uint64_t seed, size_t bytes) {
    Buffer<uint8_t> buffer(device, bytes + kGuard, 0xa5);
    EXPECT_EQ(AIT_OK, device->runtime->random_bytes(device.get(), seed, bytes, buffer.get())) << ait_last_error();
    std::vector<uint8_t> drawn = buffer.Host();
    EXPECT_EQ(std::vector<uint8_t>(kGuard, 0xa5), std::vector<uint8_t>(drawn.begin() + bytes, drawn.end())) << bytes;
    drawn.resize(bytes);
    return drawn;
  };
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{5}, size_t{1000}}) {
    EXPECT_EQ(draw(3, bytes), draw(3, bytes)) << bytes;
  }
  const std::vector<uint8_t> bytes = draw(3, 1000);
  EXPECT_NE(bytes, draw(4, 1000));
  EXPECT_NE(bytes, draw(3 + (uint64_t{1} << 32), 1000)) << "all 64 bits of the seed count";
  // The mean of 1000 uniform bytes has a standard deviation of 2.3; and the tails are random, too.
  EXPECT_NEAR(127.5, std::accumulate(bytes.begin(), bytes.end(), 0.0) / 1000, 12);
  std::vector<uint8_t> tails;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    tails.push_back(draw(seed, 7).back());
  }
  std::sort(tails.begin(), tails.end());
  EXPECT_GT(std::unique(tails.begin(), tails.end()) - tails.begin(), 20);
}

TEST_P(RuntimeTest, RecordingsAreAllThereOrNotAtAll) {
  AIT_OPEN_DEVICE(device, GetParam());
  const ait_runtime_ops *runtime = device->runtime;
  const bool can_record = runtime->begin_recording != nullptr;
  EXPECT_EQ(can_record, runtime->end_recording != nullptr);
  EXPECT_EQ(can_record, runtime->replay != nullptr);
  EXPECT_EQ(can_record, runtime->release_recording != nullptr);
}

// Opens the device of a test that needs recordings, or skips the test.
#define AIT_OPEN_RECORDER(device)                                           \
  AIT_OPEN_DEVICE(device, GetParam());                                      \
  if (device->runtime->begin_recording == nullptr) {                        \
    GTEST_SKIP() << "this device runs everything at once and records none"; \
  }                                                                         \
  static_cast<void>(0)

TEST_P(RuntimeTest, ARecordingRunsWhenReplayedAndNotBefore) {
  AIT_OPEN_RECORDER(device);
  const Reals start = {1, -2, 3};
  Buffer<ait_real> v(device, start);
  ASSERT_EQ(AIT_OK, device->runtime->begin_recording(device.get()));
  const ait_term twice = {2, nullptr, v.get()};
  EXPECT_EQ(AIT_OK, device->vector->combine(device.get(), 1, 3, nullptr, 1, &twice, v.get()));
  ait_recording *recording = nullptr;
  ASSERT_EQ(AIT_OK, device->runtime->end_recording(device.get(), &recording)) << ait_last_error();
  EXPECT_EQ(start, v.Host());
  for (int time = 0; time < 3; ++time) {
    EXPECT_EQ(AIT_OK, device->runtime->replay(device.get(), recording)) << ait_last_error();
  }
  EXPECT_EQ((Reals{8, -16, 24}), v.Host());
  device->runtime->release_recording(device.get(), recording);
  device->runtime->release_recording(device.get(), nullptr);
}

// What a recording cannot hold fails by name, and leaves the recording as it was.
TEST_P(RuntimeTest, ARecordingRefusesCopiesAndMemory) {
  AIT_OPEN_RECORDER(device);
  Buffer<ait_real> v(device, Reals{1, 2});
  ait_real host[2] = {7, 7};
  void *memory = device.get();
  ASSERT_EQ(AIT_OK, device->runtime->begin_recording(device.get()));
  EXPECT_NE(AIT_OK, device->runtime->begin_recording(device.get()));
  EXPECT_NE(AIT_OK, device->runtime->copy_in(device.get(), sizeof host, host, v.get()));
  EXPECT_NE(nullptr, std::strstr(ait_last_error(), "recording")) << ait_last_error();
  EXPECT_NE(AIT_OK, device->runtime->copy_out(device.get(), sizeof host, v.get(), host));
  EXPECT_NE(AIT_OK, device->runtime->synchronize(device.get()));
  EXPECT_NE(AIT_OK, device->runtime->allocate(device.get(), 8, &memory));
  EXPECT_EQ(nullptr, memory);
  const ait_term twice = {2, nullptr, v.get()};
  EXPECT_EQ(AIT_OK, device->vector->combine(device.get(), 1, 2, nullptr, 1, &twice, v.get()));
  ait_recording *recording = nullptr;
  ASSERT_EQ(AIT_OK, device->runtime->end_recording(device.get(), &recording)) << ait_last_error();
  EXPECT_EQ(AIT_OK, device->runtime->replay(device.get(), recording));
  EXPECT_EQ((Reals{2, 4}), v.Host());
  device->runtime->release_recording(device.get(), recording);
}

TEST_P(RuntimeTest, ARecordingCanBeThrownAway) {
  AIT_OPEN_RECORDER(device);
  Buffer<ait_real> v(device, Reals{1, 2});
  EXPECT_NE(AIT_OK, device->runtime->end_recording(device.get(), nullptr)) << "none was begun";
  ASSERT_EQ(AIT_OK, device->runtime->begin_recording(device.get()));
  const ait_term twice = {2, nullptr, v.get()};
  EXPECT_EQ(AIT_OK, device->vector->combine(device.get(), 1, 2, nullptr, 1, &twice, v.get()));
  EXPECT_EQ(AIT_OK, device->runtime->end_recording(device.get(), nullptr));
  EXPECT_EQ((Reals{1, 2}), v.Host());
  EXPECT_EQ(AIT_OK, device->vector->combine(device.get(), 1, 2, nullptr, 1, &twice, v.get()));
  EXPECT_EQ((Reals{2, 4}), v.Host());
}

TEST_P(RuntimeTest, ARecordingThatIsTooLongIsRefused) {
  AIT_OPEN_RECORDER(device);
  Buffer<ait_real> from(device, Reals{1}), to(device, Reals{0});
  ASSERT_EQ(AIT_OK, device->runtime->begin_recording(device.get()));
  ait_status status = AIT_OK;
  for (int i = 0; i < 100000 && status == AIT_OK; ++i) {
    status = device->vector->copy(device.get(), 1, from.get(), to.get());
  }
  EXPECT_EQ(AIT_UNSUPPORTED, status);
  EXPECT_EQ(AIT_OK, device->runtime->end_recording(device.get(), nullptr));
  EXPECT_EQ(AIT_OK, device->vector->copy(device.get(), 1, from.get(), to.get()));
  EXPECT_EQ((Reals{1}), to.Host());
}

TEST_P(RuntimeTest, TellsItsMemory) {
  AIT_OPEN_DEVICE(device, GetParam());
  size_t free_bytes = 0, total_bytes = 0;
  ASSERT_EQ(AIT_OK, device->runtime->memory(device.get(), &free_bytes, &total_bytes));
  EXPECT_GT(free_bytes, 0u);
  EXPECT_LE(free_bytes, total_bytes);
}

TEST(CpuDeviceTest, SaysWhatItIs) {
  ait_device device;
  ASSERT_EQ(AIT_OK, ait_device_open_cpu(3, &device));
  EXPECT_STREQ("cpu", device.name);
  EXPECT_STREQ("cpu", device.runtime->kind);
  EXPECT_EQ(3, device.threads);
  EXPECT_EQ(nullptr, device.stream);
  EXPECT_NE(nullptr, std::strstr(device.description, "3 threads")) << device.description;
  EXPECT_NE(nullptr, std::strstr(device.description, "data pass ")) << device.description;
  device.runtime->close(&device);
}

TEST(CpuDeviceTest, ZeroThreadsMeansAllThatOpenMpGives) {
  ait_device device;
  ASSERT_EQ(AIT_OK, ait_device_open_cpu(0, &device));
  EXPECT_EQ(omp_get_max_threads(), device.threads);
  device.runtime->close(&device);
}

TEST(CpuDeviceTest, RefusesImpossibleThreads) {
  ait_device device;
  EXPECT_EQ(AIT_INVALID_ARGUMENT, ait_device_open_cpu(-1, &device));
  EXPECT_NE(nullptr, std::strstr(ait_last_error(), "-1"));
  EXPECT_EQ(AIT_INVALID_ARGUMENT, ait_device_open_cpu(1000000, &device));
  EXPECT_NE(nullptr, std::strstr(ait_last_error(), "1000000"));
}

TEST(CpuDeviceTest, RefusesAnUnknownKernelByName) {
  Environment environment("AIT_CPU_KERNEL", "v9");
  ait_device device;
  EXPECT_EQ(AIT_INVALID_ARGUMENT, ait_device_open_cpu(1, &device));
  EXPECT_NE(nullptr, std::strstr(ait_last_error(), "v9"));
  EXPECT_NE(nullptr, std::strstr(ait_last_error(), "baseline"));
}

TEST(CpuDeviceTest, ShowsTheKernelAskedFor) {
  for (const DeviceCase &device_case : DataPassDevices()) {
    if (device_case.cuda) {
      continue;
    }
    Device device(device_case);
    if (device.status() == AIT_OK) {
      EXPECT_NE(nullptr, std::strstr(device->description, device_case.kernel.c_str())) << device->description;
    } else {
      EXPECT_NE(nullptr, std::strstr(ait_last_error(), device_case.kernel.c_str())) << ait_last_error();
    }
  }
}

#if defined(__linux__) && defined(__x86_64__)
// Refuses arch_prctl, by which a process asks for AMX, from now on.
bool RefuseArchPrctl() {
  sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What a process that may not use AMX gets: 0, or the number of what is wrong; 99: it cannot be tested here.
int OpenWithoutAmx() {
  if (!RefuseArchPrctl()) {
    return 99;
  }
  ait_device device;
  setenv("AIT_CPU_KERNEL", "amx", 1);
  if (ait_device_open_cpu(1, &device) != AIT_INVALID_ARGUMENT || std::strstr(ait_last_error(), "amx") == nullptr) {
    return 1;
  }
  unsetenv("AIT_CPU_KERNEL");
  return ait_device_open_cpu(1, &device) == AIT_OK && std::strstr(device.description, "amx") == nullptr ? 0 : 2;
}

TEST(CpuDeviceTest, WhereTheSystemRefusesAmxOtherKernelsRun) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    _exit(OpenWithoutAmx());
  }
  int status = -1;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 99) {
    GTEST_SKIP() << "this system has no filters of system calls";
  }
  EXPECT_EQ(0, WEXITSTATUS(status));
}
#endif

// ---- CUDA devices, and contexts that choose one -----------------------------------------------------

// The number of CUDA devices, 0 where there can be none.
int32_t CudaDevices() {
  int32_t count = 0;
  return ait_device_count_cuda(&count) == AIT_OK ? count : 0;
}

TEST(CudaDeviceTest, ThereAreSomeOrASentenceWhyNot) {
  int32_t count = -1;
  const ait_status status = ait_device_count_cuda(&count);
  if (status == AIT_OK) {
    EXPECT_GE(count, 1);
  } else {
    EXPECT_EQ(AIT_UNSUPPORTED, status);
    EXPECT_NE(nullptr, std::strstr(ait_last_error(), "CUDA")) << ait_last_error();
    char line[256];
    ait_device device;
    EXPECT_EQ(status, ait_device_describe_cuda(0, sizeof line, line));
    EXPECT_EQ(status, ait_device_open_cuda(0, 1, AIT_MATH_FLOAT32, &device));
  }
}

TEST(CudaDeviceTest, SaysWhatItIs) {
  const DeviceCase device_case = {"cuda", "", true};
  AIT_OPEN_DEVICE(device, device_case, 3);
  EXPECT_STREQ("cuda:0", device->name);
  EXPECT_STREQ("cuda", device->runtime->kind);
  EXPECT_EQ(0, device->runtime->host_memory);
  EXPECT_EQ(3, device->threads);
  EXPECT_NE(nullptr, device->stream);
  char line[256];
  ASSERT_EQ(AIT_OK, ait_device_describe_cuda(0, sizeof line, line));
  EXPECT_NE(nullptr, std::strstr(line, "compute capability ")) << line;
  EXPECT_EQ(0u, std::string(device->description).find(line)) << device->description;
  EXPECT_NE(nullptr, std::strstr(device->description, "TF32 off")) << device->description;
}

TEST(CudaDeviceTest, RefusesANumberThatIsNotThere) {
  const int32_t count = CudaDevices();
  if (count == 0) {
    GTEST_SKIP() << ait_last_error();
  }
  ait_device device;
  for (int32_t index : {-1, count, 1000}) {
    EXPECT_EQ(AIT_INVALID_ARGUMENT, ait_device_open_cuda(index, 1, AIT_MATH_FLOAT32, &device));
    EXPECT_NE(std::string::npos, std::string(ait_last_error()).find("cuda:" + std::to_string(index)));
    EXPECT_NE(std::string::npos, std::string(ait_last_error()).find(std::to_string(count) + " CUDA device"));
  }
}

// Opens a context of that name; its status, and what it says.
struct Opened {
  explicit Opened(const char *name, ait_math math = AIT_MATH_FLOAT32) {
    ait_context_options options;
    ait_context_options_init(&options);
    options.device = name;
    options.math = math;
    ait_context *context = nullptr;
    status = ait_context_create(&options, &context);
    if (status == AIT_OK) {
      device = ait_context_device(context);
      note = ait_context_note(context);
      has_stream = ait_context_stream(context) != nullptr;
    } else {
      sentence = ait_last_error();
    }
    ait_context_destroy(context);
  }
  ait_status status;
  std::string device, note, sentence;
  bool has_stream = false;
};

TEST(ContextTest, RefusesNamesThatAreNoDevice) {
  for (const char *name : {"", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda: 1", "cuda:1 ", "cuda:1.0",
                           "cuda:2147483648", "cuda0", "cpu:0"}) {
    const Opened opened(name);
    EXPECT_EQ(AIT_INVALID_ARGUMENT, opened.status) << name;
    EXPECT_NE(std::string::npos, opened.sentence.find("expected auto, cpu, cuda or cuda:N")) << opened.sentence;
  }
}

TEST(ContextTest, AutoIsACudaDeviceOrTheCpuWithAReason) {
  const Opened opened("auto"), usual(nullptr), cuda("cuda");
  ASSERT_EQ(AIT_OK, opened.status);
  EXPECT_EQ(opened.device, usual.device);
  if (cuda.status == AIT_OK) {
    EXPECT_EQ("cuda:0", opened.device);
    EXPECT_EQ("", opened.note);
    EXPECT_TRUE(opened.has_stream);
  } else {
    EXPECT_EQ(opened.device == "cpu", opened.note != "");
    EXPECT_EQ("no CUDA device: " + cuda.sentence, opened.note);
  }
  EXPECT_EQ("", Opened("cpu").note);
}

TEST(ContextTest, ANumberNamesADevice) {
  const int32_t count = CudaDevices();
  const Opened opened(("cuda:" + std::to_string(count)).c_str());
  EXPECT_EQ(count > 0 ? AIT_INVALID_ARGUMENT : AIT_UNSUPPORTED, opened.status) << opened.sentence;
}

TEST(ContextTest, Tf32NeedsFloatAndACudaDevice) {
  const Opened cpu("cpu", AIT_MATH_TF32), cuda("cuda", AIT_MATH_TF32), unknown("cpu", static_cast<ait_math>(7));
  EXPECT_EQ(AIT_INVALID_ARGUMENT, cpu.status);
  EXPECT_NE(std::string::npos, cpu.sentence.find("tf32")) << cpu.sentence;
  EXPECT_NE(std::string::npos, cpu.sentence.find("float32")) << cpu.sentence;
  EXPECT_EQ(AIT_INVALID_ARGUMENT, unknown.status);
  if (kDouble) {
    EXPECT_EQ(AIT_INVALID_ARGUMENT, cuda.status);
  } else {
    EXPECT_EQ(Opened("cuda").status, cuda.status);
  }
}

}  // namespace
}  // namespace device_tests
