# The emulation of a GPU's threads that tests compile the CUDA code against (tests/simt/simt.h), and
# its own tests: as everything else is built, and in builds without other sanitizers, which it does not join, for
# ThreadSanitizer as well.
set(AIT_SIMT ${PROJECT_SOURCE_DIR}/tests/simt)
file(GLOB AIT_SIMT_SOURCES CONFIGURE_DEPENDS ${AIT_SIMT}/*.cc)
file(GLOB AIT_SIMT_TESTS CONFIGURE_DEPENDS ${AIT_SIMT}/test_*.cc)
list(REMOVE_ITEM AIT_SIMT_SOURCES ${AIT_SIMT_TESTS})

# One C++ file in the build folder for each .cu file given, as the host compiler knows no .cu. Debug
# builds optimise it a little: a kernel runs once for every thread.
function(ait_wrap_cuda out_var)
  set(wrappers)
  foreach(source IN LISTS ARGN)
    get_filename_component(name ${source} NAME)
    set(wrapper ${PROJECT_BINARY_DIR}/simt/${name}.cc)
    file(CONFIGURE OUTPUT ${wrapper} CONTENT "#include \"${source}\"\n")
    set_source_files_properties(${wrapper} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Debug>:-O1>)
    list(APPEND wrappers ${wrapper})
  endforeach()
  set(${out_var} ${wrappers} PARENT_SCOPE)
endfunction()

# The same for all kernels of the project.
function(ait_wrap_kernels out_var)
  file(GLOB kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*.cu)
  ait_wrap_cuda(wrappers ${kernels})
  set(${out_var} ${wrappers} PARENT_SCOPE)
endfunction()

# Targets simt`suffix` and simt_tests`suffix`; the arguments after are what to compile and link with.
function(ait_add_simt suffix)
  add_library(simt${suffix} STATIC ${AIT_SIMT_SOURCES})
  target_include_directories(simt${suffix} PUBLIC ${AIT_SIMT}/include ${AIT_SIMT})
  target_compile_options(simt${suffix} PRIVATE $<$<CONFIG:Debug>:-O1>)
  target_link_libraries(simt${suffix} PUBLIC ${ARGN} PkgConfig::AIT_OPENBLAS Threads::Threads)

  ait_wrap_cuda(faults ${AIT_SIMT}/faults.cu)
  add_executable(simt_tests${suffix} ${AIT_SIMT_TESTS} ${faults})
  target_include_directories(simt_tests${suffix} PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
  target_link_libraries(simt_tests${suffix} PRIVATE simt${suffix} GTest::gtest GTest::gtest_main)
endfunction()

add_library(simt_thread_sanitizer INTERFACE)
target_compile_options(simt_thread_sanitizer INTERFACE -Wall -Wextra -Wshadow -Wvla -Wpointer-arith
                       $<$<BOOL:${AIT_WARNINGS_AS_ERRORS}>:-Werror> -fsanitize=thread -fno-omit-frame-pointer)
target_link_options(simt_thread_sanitizer INTERFACE -fsanitize=thread)

ait_add_simt("" ait_flags)
ait_add_cases(simt_tests simt simt "*")
# ThreadSanitizer has every process wait for a second at its end: all cases run in one.
if(NOT AIT_SANITIZE)
  ait_add_simt(_tsan simt_thread_sanitizer)
  add_test(NAME simt_tests_tsan COMMAND simt_tests_tsan)
  set_tests_properties(simt_tests_tsan PROPERTIES LABELS simt TIMEOUT 300 COST 400)
endif()
