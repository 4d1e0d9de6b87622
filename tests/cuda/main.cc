/* main.cc - runs suites on the CUDA device, or says why they are skipped (exit status 77). */
#include <gtest/gtest.h>

#include <iostream>

#include "device/device.h"
#include "solver_support.h"

const char *const kTestDevice = "cuda";

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  int32_t count = 0;
  if (!GTEST_FLAG_GET(list_tests) && ait_device_count_cuda(&count) != AIT_OK) {
    std::cout << "SKIPPED: " << ait_last_error() << "\n";
    return 77;
  }
  return RUN_ALL_TESTS();
}
