// test_device_runtime.cc - opening a device, and its memory.
#include <omp.h>

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
    Device device(device_case);
    if (device.status() == AIT_OK) {
      EXPECT_NE(nullptr, std::strstr(device->description, device_case.kernel.c_str())) << device->description;
    } else {
      EXPECT_NE(nullptr, std::strstr(ait_last_error(), device_case.kernel.c_str())) << ait_last_error();
    }
  }
}

}  // namespace
}  // namespace device_tests
