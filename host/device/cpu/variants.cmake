# variants.cmake - how the kernels of the data pass are compiled: once as the baseline
# (data_pass_kernel.c, thin_kernel.c) and, for x86-64, once for every level of its instructions (data_pass_vN.c).
# For AMX there are kernels of their own (data_pass_amx.c), in float alone, where the compiler knows its
# instructions. kernel.c chooses one of them at run time.

include(CheckCSourceCompiles)
check_c_source_compiles("
  #ifndef __x86_64__
  #error not x86-64
  #endif
  int main(void) { return 0; }" AIT_TARGET_IS_X86_64)

# Multiplications and additions are fused where the instructions exist, on purpose and in every build
# type. Nobody looks at errno or at floating-point traps, so loops can become vectors. Debug builds
# optimise the kernels too: the tests of every variant would take minutes otherwise. Where a debugger finds the
# variables of such unrolled loops takes the compiler a fifth of its time to work out, and is left out. Sanitizers watch
# them in targets that have AIT_IS_WATCHED, at -O1: what they add keeps the compiler busy for a minute at -O3.
set(AIT_KERNEL_OPTIONS -ffp-contract=fast -fno-math-errno -fno-trapping-math -fno-var-tracking)
if(AIT_SANITIZE)
  list(APPEND AIT_KERNEL_OPTIONS $<IF:$<BOOL:$<TARGET_PROPERTY:AIT_IS_WATCHED>>,-O1,-O3>
       $<$<NOT:$<BOOL:$<TARGET_PROPERTY:AIT_IS_WATCHED>>>:-fno-sanitize=all>)
else()
  list(APPEND AIT_KERNEL_OPTIONS -O3)
endif()
set_source_files_properties(host/device/cpu/data_pass_kernel.c host/device/cpu/thin_kernel.c
                            PROPERTIES COMPILE_OPTIONS "${AIT_KERNEL_OPTIONS}")
set_source_files_properties(host/device/cpu/vector.c PROPERTIES COMPILE_OPTIONS -fno-math-errno)
set(loops ${PROJECT_SOURCE_DIR}/host/device/cpu/data_pass_kernel.c ${PROJECT_SOURCE_DIR}/host/device/cpu/thin_kernel.c)
foreach(level 2 3 4)
  set(options ${AIT_KERNEL_OPTIONS})
  if(AIT_TARGET_IS_X86_64)
    list(APPEND options -march=x86-64-v${level})
  endif()
  set_source_files_properties(host/device/cpu/data_pass_v${level}.c PROPERTIES COMPILE_OPTIONS "${options}"
                              OBJECT_DEPENDS "${loops}")
endforeach()

set(AIT_AMX_OPTIONS -march=x86-64-v4 -mamx-tile -mamx-int8)
if(AIT_TARGET_IS_X86_64)
  set(CMAKE_REQUIRED_FLAGS "-march=x86-64-v4 -mamx-tile -mamx-int8")
  check_c_source_compiles("
    #include <immintrin.h>
    int main(void) { _tile_zero(0); _tile_dpbusd(0, 1, 2); _tile_release(); return 0; }" AIT_COMPILER_HAS_AMX)
  unset(CMAKE_REQUIRED_FLAGS)
endif()
if(AIT_COMPILER_HAS_AMX)
  set_source_files_properties(host/device/cpu/data_pass_amx.c PROPERTIES
                              COMPILE_OPTIONS "${AIT_KERNEL_OPTIONS};${AIT_AMX_OPTIONS}")
  set_property(SOURCE host/device/cpu/data_pass_amx.c host/device/cpu/kernel.c APPEND PROPERTY
               COMPILE_DEFINITIONS AIT_COMPILER_HAS_AMX)
endif()
