# Looks for a CUDA compiler. There is no CUDA device yet: what is found is reported and not used.
if(NOT AIT_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    message(STATUS "CUDA compiler: ${CMAKE_CUDA_COMPILER} (this version has no CUDA device; the CPU device is built)")
  elseif(AIT_CUDA STREQUAL "AUTO")
    message(STATUS "CUDA compiler: none (the CPU device is built)")
  else()
    message(FATAL_ERROR "AIT_CUDA=${AIT_CUDA}, but no CUDA compiler was found. Put nvcc on the PATH, set CUDACXX "
                        "to it, or use a cpu preset.")
  endif()
endif()
