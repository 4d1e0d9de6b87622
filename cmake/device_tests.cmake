# device_tests.cmake - the suites that hold for every device, run on the CUDA device: in the emulation
# of tests/simt (label simt) and, where the build has CUDA, on a GPU (label gpu; SKIPPED without one).

set(AIT_DEVICE_TESTS
    tests/test_device_runtime.cc tests/test_device_vector.cc tests/test_device_model.cc tests/test_device_data_pass.cc
    tests/test_solver.cc tests/test_problems.cc tests/cuda/test_cuda_solver.cc tests/cuda/main.cc)
ait_wrap_kernels(AIT_KERNEL_WRAPPERS)
file(GLOB AIT_EMULATED_SOURCES CONFIGURE_DEPENDS host/device/cuda/*.c)
list(APPEND AIT_EMULATED_SOURCES ${AIT_KERNEL_WRAPPERS})

# Executable `name` of the suites and of further sources.
function(ait_add_device_tests name label)
  add_executable(${name} ${AIT_DEVICE_TESTS} ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gtest GTest::gmock)
  target_compile_definitions(${name} PRIVATE AIT_TEST_DEVICE="cuda")
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests
                       PROPERTIES LABELS ${label} TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

# The emulated CUDA device of one precision: objects, suites and a program for tests of the command line.
function(ait_add_emulated name)
  add_library(${name}_simt_objects OBJECT ${AIT_EMULATED_SOURCES})
  target_link_libraries(${name}_simt_objects PUBLIC ait_flags simt)
  target_include_directories(${name}_simt_objects PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
  if(name STREQUAL "ait64")
    target_compile_definitions(${name}_simt_objects PUBLIC AIT_DOUBLE)
  endif()
  ait_add_device_tests(${name}_simt_tests simt tests/test_golden.cc)
  target_compile_definitions(${name}_simt_tests PRIVATE AIT_TEST_SIMT)
  add_executable(${name}_simt ${AIT_PROGRAM_MAIN})
  foreach(target ${name}_simt_tests ${name}_simt)
    target_link_libraries(${target} PRIVATE ${name}_program_objects ${name}_core_objects ${name}_simt_objects)
  endforeach()
  set_target_properties(${name}_simt PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

foreach(name ait ait64)
  ait_add_emulated(${name})
  if(AIT_HAVE_CUDA)
    ait_add_device_tests(${name}_cuda_tests gpu tests/test_golden.cc)
    target_link_libraries(${name}_cuda_tests PRIVATE ${name}_program_objects ${name}_objects)
  endif()
endforeach()

# The same kernels for ThreadSanitizer, in float, without the cases that need the program. OpenMP's
# library is not known to it, so everything runs on one thread.
if(NOT AIT_SANITIZE)
  ait_add_device_tests(ait_simt_tests_tsan simt ${AIT_LIBRARY_SOURCES} ${AIT_EMULATED_SOURCES})
  target_link_libraries(ait_simt_tests_tsan PRIVATE simt_tsan ZLIB::ZLIB gomp m)
  target_include_directories(ait_simt_tests_tsan PRIVATE include host kernels)
  target_compile_definitions(ait_simt_tests_tsan PRIVATE _GNU_SOURCE AIT_VERSION="${PROJECT_VERSION}" AIT_TEST_SIMT)
  target_compile_options(ait_simt_tests_tsan PRIVATE -Wno-unknown-pragmas -O1)
endif()
