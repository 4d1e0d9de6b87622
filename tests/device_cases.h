// device_cases.h - what the conformance tests of the device tables share: the devices to test, device
// memory as vectors, and random numbers. A further device joins by a further case.
#ifndef AIT_DEVICE_CASES_H
#define AIT_DEVICE_CASES_H

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "device/device.h"

namespace device_tests {

constexpr bool kDouble = sizeof(ait_real) == sizeof(double);
constexpr double kEpsilon = std::numeric_limits<ait_real>::epsilon();
const ait_real kNan = std::numeric_limits<ait_real>::quiet_NaN();
const ait_real kInfinity = std::numeric_limits<ait_real>::infinity();

// Lengths around a vector, around a chunk, and one above every serial threshold.
inline std::vector<int64_t> Lengths() {
  return {0, 1, 31, 32, 33, 1000, 70001};
}

// Sets an environment variable for as long as it lives.
class Environment {
 public:
  Environment(const char *name, const char *value) : name_(name) {
    const char *old = std::getenv(name);
    had_ = old != nullptr;
    old_ = had_ ? old : "";
    setenv(name, value, 1);
  }
  ~Environment() {
    if (had_) {
      setenv(name_.c_str(), old_.c_str(), 1);
    } else {
      unsetenv(name_.c_str());
    }
  }

 private:
  std::string name_, old_;
  bool had_;
};

// A device under test. `kernel` is a build of the CPU's data pass, or empty: the best there is.
struct DeviceCase {
  std::string name;
  std::string kernel;
  bool cuda = false;

  ait_status Open(int32_t threads, ait_device *device) const {
    if (cuda) {
      return ait_device_open_cuda(0, threads, AIT_MATH_FLOAT32, device);
    }
    if (kernel.empty()) {
      return ait_device_open_cpu(threads, device);
    }
    Environment environment("AIT_CPU_KERNEL", kernel.c_str());
    return ait_device_open_cpu(threads, device);
  }
};

inline void PrintTo(const DeviceCase &device, std::ostream *out) {
  *out << device.name;
}

inline std::string CaseName(const testing::TestParamInfo<DeviceCase> &info) {
  return info.param.name;
}

inline std::vector<DeviceCase> Devices() {
  return {{"cpu", ""}, {"cuda", "", true}};
}

inline std::vector<DeviceCase> DataPassDevices() {
  std::vector<DeviceCase> devices = {{"cpu_baseline", "baseline"}};
#ifdef __x86_64__
  devices.insert(devices.end(), {{"cpu_v2", "v2"}, {"cpu_v3", "v3"}, {"cpu_v4", "v4"}, {"cpu_amx", "amx"}});
#endif
  devices.push_back({"cuda", "", true});
  return devices;
}

// An open device.
class Device {
 public:
  explicit Device(const DeviceCase &device_case, int32_t threads = 2) {
    status_ = device_case.Open(threads, &device_);
  }
  ~Device() {
    if (status_ == AIT_OK) {
      device_.runtime->close(&device_);
    }
  }
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  ait_status status() const {
    return status_;
  }
  ait_device *get() {
    return &device_;
  }
  ait_device *operator->() {
    return &device_;
  }

 private:
  ait_device device_;
  ait_status status_;
};

// Opens the device of a test, or skips the test on a machine that lacks the device or its instructions.
#define AIT_OPEN_DEVICE(device, ...)                        \
  Device device(__VA_ARGS__);                               \
  if (device.status() != AIT_OK) {                          \
    GTEST_SKIP() << "no such device: " << ait_last_error(); \
  }                                                         \
  static_cast<void>(0)

// Device memory with the contents of a host vector.
template <class T>
class Buffer {
 public:
  Buffer(Device &device, const std::vector<T> &values) : device_(device), size_(values.size()) {
    void *memory = nullptr;
    EXPECT_EQ(AIT_OK, device_->runtime->allocate(device_.get(), size_ * sizeof(T), &memory)) << ait_last_error();
    memory_ = static_cast<T *>(memory);
    EXPECT_EQ(AIT_OK, device_->runtime->copy_in(device_.get(), size_ * sizeof(T), values.data(), memory_));
  }
  Buffer(Device &device, size_t size, T value) : Buffer(device, std::vector<T>(size, value)) {}
  ~Buffer() {
    device_->runtime->release(device_.get(), memory_);
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  T *get() {
    return memory_;
  }
  std::vector<T> Host() const {
    std::vector<T> values(size_);
    EXPECT_EQ(AIT_OK, device_->runtime->copy_out(device_.get(), size_ * sizeof(T), memory_, values.data()));
    EXPECT_EQ(AIT_OK, device_->runtime->synchronize(device_.get()));
    return values;
  }

 private:
  Device &device_;
  size_t size_;
  T *memory_;
};

using Reals = std::vector<ait_real>;

inline Reals RandomReals(uint64_t seed, int64_t n, double low = -1, double high = 1) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Reals values(static_cast<size_t>(n));
  for (ait_real &value : values) {
    value = static_cast<ait_real>(uniform(engine));
  }
  return values;
}

inline std::vector<int32_t> RandomLabels(uint64_t seed, int64_t n, int64_t classes) {
  std::mt19937_64 engine(seed);
  std::vector<int32_t> labels(static_cast<size_t>(n));
  for (int32_t &label : labels) {
    label = static_cast<int32_t>(engine() % static_cast<uint64_t>(classes));
  }
  return labels;
}

// Which numbers of pictures hold something (rows x columns): scattered columns form groups, of which each row has two
// fifths. Every tenth group and every fiftieth row are zeros all through. Columns form other groups for another `step`.
inline std::vector<bool> Pictures(int64_t rows, int64_t columns, int64_t step) {
  constexpr int64_t kColumnsOfAGroup = 12;
  const int64_t groups = columns / kColumnsOfAGroup + 1;
  std::mt19937_64 engine(44);
  std::vector<bool> hold;
  for (int64_t i = 0; i < rows; ++i) {
    std::vector<bool> group_holds;
    for (int64_t g = 0; g < groups; ++g) {
      group_holds.push_back(engine() % 5 < 2 && g % 10 != 3 && i % 50 != 7);
    }
    for (int64_t j = 0; j < columns; ++j) {
      hold.push_back(group_holds[j * step % groups]);
    }
  }
  return hold;
}

// Equal bit for bit, NaN included.
template <class T>
bool SameBits(const std::vector<T> &a, const std::vector<T> &b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// ||a - b|| / ||b||; 0 where both are 0.
template <class A, class B>
double RelativeError(const std::vector<A> &a, const std::vector<B> &b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, norm = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    difference += d * d;
    norm += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

}  // namespace device_tests

#endif
