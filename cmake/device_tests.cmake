# device_tests.cmake - the suites that hold for every device, run on the CUDA device: in the emulation
# of tests/simt (label simt) and, where the build has CUDA, on a GPU (label gpu; SKIPPED without one).

ait_wrap_kernels(AIT_KERNEL_WRAPPERS)
file(GLOB AIT_EMULATED_SOURCES CONFIGURE_DEPENDS host/device/cuda/*.c)
list(APPEND AIT_EMULATED_SOURCES ${AIT_KERNEL_WRAPPERS})

# The instructions of kernels/matrix.cuh, one by one.
set(AIT_MATRIX_TEST tests/cuda/test_matrix_instructions.cc)
ait_wrap_cuda(AIT_MATRIX_WRAPPER ${PROJECT_SOURCE_DIR}/tests/cuda/matrix.cu)

# Executable `name` of the sources given, for suites on the CUDA device.
function(ait_add_device_tests name)
  add_executable(${name} tests/cuda/main.cc ${ARGN})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE GTest::gtest GTest::gmock)
endfunction()

set(AIT_NO_CPU_CASES "-*/cpu*:Cpu*")
# What the emulated device runs in float without sanitizers alone: suites of the solver's host code, over kernels that
# the suites of single operations run. Every build runs them on the CPU, in both precisions.
set(AIT_HOST_CASES ":QuasiNewton.*:MappingSolutions.*:Terms.*:Batch.*:Choices/*:Noise/*HyperGradients*:Implicit.*"
    ":*Plans.*")
list(JOIN AIT_HOST_CASES "" AIT_HOST_CASES)
# Nor do sanitizers look there at the reference cases, which they see on the CPU, at whole runs with momentum and implicit
# hyper-gradients, which are other host code over the same kernels, and at the many shapes of noisy labels, whose kernels
# FoldsAndWeightsMatchTheReference runs.
set(AIT_REPEATED_CASES ":Cases/Golden.*:Cleaning/CleaningRuns.*nesterov:Cleaning/CleaningRuns.*_cg"
    ":Cleaning/CleaningRuns.*neumann:*NoisyLabelsMatch*")
list(JOIN AIT_REPEATED_CASES "" AIT_REPEATED_CASES)

# The emulated CUDA device of one precision: objects, suites and a program for tests of the command line.
function(ait_add_emulated name)
  add_library(${name}_simt_objects OBJECT ${AIT_EMULATED_SOURCES})
  target_link_libraries(${name}_simt_objects PUBLIC ait_flags simt)
  target_include_directories(${name}_simt_objects PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
  if(name STREQUAL "ait64")
    target_compile_definitions(${name}_simt_objects PUBLIC AIT_DOUBLE)
  endif()
  ait_add_device_tests(${name}_simt_tests tests/cuda/test_cuda_solver.cc ${AIT_MATRIX_TEST} ${AIT_MATRIX_WRAPPER})
  target_include_directories(${name}_simt_tests PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
  set(cases ${AIT_NO_CPU_CASES})
  if(AIT_SANITIZE OR name STREQUAL "ait64")
    string(APPEND cases ${AIT_HOST_CASES})
  endif()
  if(AIT_SANITIZE)
    string(APPEND cases ${AIT_REPEATED_CASES})
  endif()
  ait_add_cases(${name}_simt_tests ${name}_simt_tests simt "${cases}")
  target_link_libraries(${name}_simt_tests PRIVATE ${name}_suites)
  target_compile_definitions(${name}_simt_tests PRIVATE AIT_TEST_SIMT)
  add_executable(${name}_simt ${AIT_PROGRAM_MAIN})
  foreach(target ${name}_simt_tests ${name}_simt)
    target_link_libraries(${target} PRIVATE ${name}_program_objects ${name}_core_objects ${name}_kernel_objects
                          ${name}_simt_objects)
  endforeach()
  set_target_properties(${name}_simt PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

# On a GPU all cases run in one process, which opens it once.
function(ait_add_gpu_tests name)
  ait_add_device_tests(${name}_cuda_tests tests/cuda/test_cuda_solver.cc ${AIT_MATRIX_TEST} tests/cuda/matrix.cu)
  target_include_directories(${name}_cuda_tests PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
  target_link_libraries(${name}_cuda_tests PRIVATE ${name}_suites ${name}_program_objects ${name}_objects)
  add_test(NAME ${name}_cuda_tests COMMAND ${name}_cuda_tests --gtest_filter=${AIT_NO_CPU_CASES}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests)
  set_tests_properties(${name}_cuda_tests PROPERTIES LABELS gpu TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

foreach(name IN LISTS AIT_TESTED)
  ait_add_emulated(${name})
  if(AIT_HAVE_CUDA)
    ait_add_gpu_tests(${name})
  endif()
endforeach()

# Programs and library with allocations that fail, on the CPU and on the emulated device. The linker gives what our
# objects allocate to tests/memory/failing_memory.cc.
add_executable(ait_memory_tests tests/memory/test_commands.cc tests/memory/test_library.cc
               tests/memory/failing_memory.cc)
target_link_libraries(ait_memory_tests PRIVATE ait_program_objects ait_core_objects ait_kernel_objects ait_simt_objects
                      GTest::gtest GTest::gmock GTest::gtest_main)
target_include_directories(ait_memory_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
foreach(function malloc calloc realloc aligned_alloc free strdup strndup asprintf getline getdelim realpath mmap munmap
        fopen fdopen tmpfile open_memstream opendir gzopen fsync cudaMalloc cudaFree cudaMallocHost cudaFreeHost
        cudaStreamCreateWithFlags cudaStreamDestroy cudaEventCreateWithFlags cudaEventDestroy
        cudaGraphInstantiateWithFlags cudaGraphExecDestroy cublasCreate cublasDestroy curandCreateGenerator
        curandDestroyGenerator)
  target_link_options(ait_memory_tests PRIVATE LINKER:--wrap=${function})
endforeach()
# All cases in one process, since none looks again at what one before it has seen.
# Sanitizers, under which a process takes long to copy, look at the shorter ones.
if(AIT_SANITIZE)
  set(AIT_MEMORY_CASES --gtest_filter=*Library*:*Method*cpu:*.Resume:*.Solve:*.Report:*.CleanInPlaceOfAnOlderRun)
endif()
add_test(NAME ait_memory_tests COMMAND ait_memory_tests ${AIT_MEMORY_CASES})
set_tests_properties(ait_memory_tests PROPERTIES LABELS unit TIMEOUT 600 COST 400 ENVIRONMENT OPENBLAS_NUM_THREADS=1)

# The suites above are what AddressSanitizer looks at; the rest would take minutes more.
if(AIT_SANITIZE)
  return()
endif()

# Whole runs of the program.
ait_add_script(simt.clean ${PROJECT_SOURCE_DIR}/tests/cuda/clean.sh simt)
set_tests_properties(simt.clean PROPERTIES ENVIRONMENT
  "AIT=$<TARGET_FILE:ait_simt>;AIT64=$<TARGET_FILE:ait64_simt>;AIT_SHARED=${PROJECT_SOURCE_DIR}/../shared")

# The example with kernels of its own, its launches rewritten for the emulation.
file(READ examples/ridge_gpu.cu AIT_EXAMPLE)
string(REGEX REPLACE "([a-z_]+)<<<(([^>]|>[^>])*)>>>\\(" "AIT_LAUNCH(\\1, \\2, " AIT_EXAMPLE "${AIT_EXAMPLE}")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/simt/ridge_gpu.cc CONTENT "${AIT_EXAMPLE}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS examples/ridge_gpu.cu)
add_executable(ridge_gpu_simt ${PROJECT_BINARY_DIR}/simt/ridge_gpu.cc)
target_link_libraries(ridge_gpu_simt PRIVATE ait64_core_objects ait64_kernel_objects ait64_simt_objects)
add_test(NAME simt.ridge_gpu COMMAND ridge_gpu_simt)
set_tests_properties(simt.ridge_gpu PROPERTIES LABELS simt SKIP_RETURN_CODE 77 TIMEOUT 300)

# The operations alone for ThreadSanitizer, in float. It does not know OpenMP's library, so the host runs on one thread,
# and what only parallel regions use is unused. All cases run in one process.
ait_add_device_tests(ait_simt_tests_tsan ${AIT_OPERATION_SUITES} ${AIT_LIBRARY_SOURCES} ${AIT_EMULATED_SOURCES})
target_link_libraries(ait_simt_tests_tsan PRIVATE simt_tsan ZLIB::ZLIB gomp m)
target_include_directories(ait_simt_tests_tsan PRIVATE include host kernels)
target_compile_definitions(ait_simt_tests_tsan PRIVATE _GNU_SOURCE AIT_VERSION="${PROJECT_VERSION}" AIT_TEST_SIMT)
target_compile_options(ait_simt_tests_tsan PRIVATE -Wno-unknown-pragmas
                       -Wno-unused-parameter -Wno-unused-variable -O1)
# The CPU's data pass is there to be linked alone.
foreach(variant v2 v3 v4 amx)
  set_property(SOURCE host/device/cpu/data_pass_${variant}.c APPEND PROPERTY COMPILE_OPTIONS
               $<$<STREQUAL:$<TARGET_PROPERTY:NAME>,ait_simt_tests_tsan>:-O0>)
endforeach()
# Races depend on which kernels run and on how rows and columns are cut into blocks. Left out is what repeats both: the
# cases of bits and of values that are hard to compute, those that do the most work, and the combinations of types and
# optional parts, all of which other cases have once.
set(AIT_RACES "*/cuda*-*EveryShape*:*EveryType*:*AnyRange*:*DoNotDependOnThreads*:*TheSameBits*:*AChunkOfRows*"
    ":*ARealJob*:*ASweepIs*:*ManyRowsMatch*:*NoisyLabelsMatch*:*FoldsMatch*:*FoldsAndWeights*:*Hidden*:*TheirDigits*"
    ":*StayFinite*:*FiniteLosses*")
list(JOIN AIT_RACES "" AIT_RACES)
add_test(NAME ait_simt_tests_tsan COMMAND ait_simt_tests_tsan --gtest_filter=${AIT_RACES}
         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests)
set_tests_properties(ait_simt_tests_tsan PROPERTIES LABELS simt TIMEOUT 600 COST 500)
