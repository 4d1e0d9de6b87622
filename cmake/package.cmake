# Installation: headers, libraries, pkg-config files, CMake package.
include(CMakePackageConfigHelpers)

function(ait_install_pkgconfig name cflags)
  set(AIT_PC_NAME ${name})
  set(AIT_PC_CFLAGS "${cflags}")
  file(RELATIVE_PATH AIT_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  list(JOIN AIT_SANITIZE_FLAGS " " AIT_PC_SANITIZE)
  set(AIT_PC_CUDA "")
  if(AIT_HAVE_CUDA)
    set(AIT_PC_CUDA "-L${CUDAToolkit_LIBRARY_DIR} -Wl,-rpath,${CUDAToolkit_LIBRARY_DIR} -lcublas -lcurand -lcudart_static \
-lstdc++ -ldl -lrt -lpthread")
  endif()
  configure_file(cmake/ait.pc.in ${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# Where CUDA's libraries are in no folder of the system, what is installed remembers where they were.
function(ait_remember_libraries)
  if(AIT_HAVE_CUDA)
    set_target_properties(${ARGN} PROPERTIES INSTALL_RPATH ${CUDAToolkit_LIBRARY_DIR})
  endif()
endfunction()

function(ait_install_package)
  ait_remember_libraries(ait_shared ait64_shared ait_program ait64_program)
  install(DIRECTORY include/ait DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
  install(TARGETS ait_shared ait64_shared EXPORT ait_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS ait_static ait64_static EXPORT ait_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

  ait_install_pkgconfig(ait "")
  ait_install_pkgconfig(ait64 "-DAIT_DOUBLE")

  set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/ait)
  install(EXPORT ait_shared NAMESPACE ait:: FILE aitSharedTargets.cmake DESTINATION ${folder})
  install(EXPORT ait_static NAMESPACE ait:: FILE aitStaticTargets.cmake DESTINATION ${folder})
  configure_package_config_file(cmake/aitConfig.cmake.in aitConfig.cmake INSTALL_DESTINATION ${folder})
  write_basic_package_version_file(aitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/aitConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/aitConfigVersion.cmake
          DESTINATION ${folder})
endfunction()
