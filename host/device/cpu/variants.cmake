# variants.cmake - how the kernels of the data pass are compiled: once as the baseline
# (data_pass_kernel.c) and, for x86-64, once for every level of its instructions (data_pass_vN.c).
# kernel.c chooses one of them at run time.

include(CheckCSourceCompiles)
check_c_source_compiles("
  #ifndef __x86_64__
  #error not x86-64
  #endif
  int main(void) { return 0; }" AIT_TARGET_IS_X86_64)

# Multiplications and additions are fused where the instructions exist, on purpose and in every build
# type. Nobody looks at errno or at floating-point traps, so loops can become vectors. Debug builds
# optimise the kernels too: the tests of every variant would take minutes otherwise.
set(AIT_KERNEL_OPTIONS -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math)
set_source_files_properties(host/device/cpu/data_pass_kernel.c PROPERTIES COMPILE_OPTIONS "${AIT_KERNEL_OPTIONS}")
set_source_files_properties(host/device/cpu/vector.c PROPERTIES COMPILE_OPTIONS -fno-math-errno)
foreach(level 2 3 4)
  set(options ${AIT_KERNEL_OPTIONS})
  if(AIT_TARGET_IS_X86_64)
    list(APPEND options -march=x86-64-v${level})
  endif()
  set_source_files_properties(host/device/cpu/data_pass_v${level}.c PROPERTIES COMPILE_OPTIONS "${options}"
                              OBJECT_DEPENDS ${PROJECT_SOURCE_DIR}/host/device/cpu/data_pass_kernel.c)
endforeach()
