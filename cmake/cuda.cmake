# The CUDA device: its compiler and libraries, and its objects. AIT_HAVE_CUDA tells whether it is built;
# where it is not, a stub takes its place that says so.
#
# The default architectures are code for GPUs of capability 8.0 and 9.0 (which 8.x run as well) and PTX
# that the driver compiles for later ones.
set(AIT_HAVE_CUDA FALSE)
set(AIT_CUDA_MISSING "no CUDA compiler was found")
if(NOT AIT_CUDA STREQUAL "OFF")
  set(CMAKE_CUDA_ARCHITECTURES "80-real;90" CACHE STRING "CUDA architectures to compile for")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit QUIET)
    if(TARGET CUDA::cublas AND TARGET CUDA::curand AND TARGET CUDA::cudart_static)
      set(AIT_HAVE_CUDA TRUE)
    else()
      set(AIT_CUDA_MISSING "cuBLAS, cuRAND or the static CUDA runtime was not found beside ${CMAKE_CUDA_COMPILER}")
    endif()
  endif()
  if(AIT_HAVE_CUDA)
    message(STATUS "CUDA device: ${CMAKE_CUDA_COMPILER}, CUDA ${CUDAToolkit_VERSION}, architectures "
                   "${CMAKE_CUDA_ARCHITECTURES}")
  elseif(AIT_CUDA STREQUAL "AUTO")
    message(STATUS "CUDA device: not built (${AIT_CUDA_MISSING})")
  else()
    message(FATAL_ERROR "AIT_CUDA=${AIT_CUDA}, but ${AIT_CUDA_MISSING}. Put nvcc on the PATH, set CUDACXX to it, or "
                        "use a cpu preset.")
  endif()
endif()

# The version of cuBLAS that the build compiles against, for `ait info`.
function(ait_read_cublas_version version)
  set(parts "")
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS ${CUDAToolkit_INCLUDE_DIRS}/cublas_api.h line REGEX "^#define CUBLAS_VER_${part} ")
    string(REGEX REPLACE "[^0-9]" "" number "${line}")
    list(APPEND parts "${number}")
  endforeach()
  list(JOIN parts "." joined)
  set(${version} ${joined} PARENT_SCOPE)
endfunction()

# What a program or library that contains the CUDA device links. nvcc's host code is C++, so that an
# archive needs the C++ library as well.
add_library(ait_cuda_libraries INTERFACE)
set(AIT_CUDA_LIBRARIES "")
if(AIT_HAVE_CUDA)
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
  set(AIT_CUDA_LIBRARIES CUDA::cublas CUDA::curand CUDA::cudart_static stdc++)
  target_link_libraries(ait_cuda_libraries INTERFACE ${AIT_CUDA_LIBRARIES})
  # The runtime is part of the library that contains it, not of what the library shows.
  target_link_options(ait_cuda_libraries INTERFACE LINKER:--exclude-libs,libcudart_static.a)
  file(GLOB AIT_CUDA_SOURCES CONFIGURE_DEPENDS host/device/cuda/*.c kernels/*.cu)
  ait_read_cublas_version(AIT_CUBLAS_VERSION)
  set_source_files_properties(host/cli/info.c PROPERTIES COMPILE_DEFINITIONS
    "AIT_CUDA_VERSION=\"${CUDAToolkit_VERSION}\";AIT_CUBLAS_VERSION=\"${AIT_CUBLAS_VERSION}\"")
else()
  set(AIT_CUDA_SOURCES host/device/cuda_none.c)
endif()

# The objects of the CUDA device, or of its stub, as target `name`_cuda_objects, and the stub's alone, for programs
# that want the CPU, as `name`_no_cuda_objects: CUDA's libraries take longer to load than most tests to run. Sanitizers
# watch the host side of a .cu file only; the device's own are in compute-sanitizer.
function(ait_add_cuda_objects name)
  add_library(${name}_no_cuda_objects OBJECT host/device/cuda_none.c)
  target_link_libraries(${name}_no_cuda_objects PUBLIC ait_flags)
  add_library(${name}_cuda_objects OBJECT ${AIT_CUDA_SOURCES})
  target_link_libraries(${name}_cuda_objects PUBLIC ait_flags ait_cuda_libraries)
  if(NOT AIT_HAVE_CUDA)
    return()
  endif()
  target_include_directories(${name}_cuda_objects PRIVATE ${PROJECT_SOURCE_DIR}/kernels)
  target_compile_options(${name}_cuda_objects PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>)
  if(AIT_WARNINGS_AS_ERRORS)
    target_compile_options(${name}_cuda_objects PRIVATE
                           "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings -Xcompiler=-Werror>")
  endif()
  if(AIT_SANITIZE)
    list(JOIN AIT_SANITIZE_FLAGS "," flags)
    target_compile_options(${name}_cuda_objects PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${flags}>)
  endif()
  # Debug builds wait for every launch, so that an error is reported where it was made.
  target_compile_definitions(${name}_cuda_objects PRIVATE $<$<CONFIG:Debug>:AIT_CUDA_SYNCHRONIZE>)
endfunction()
