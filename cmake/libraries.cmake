# Shared and static libraries of one precision.

# Before 1.0 every minor version may change the binary interface.
set(AIT_SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

# What both kinds of library tell their users.
function(ait_library_interface target name export_name)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} EXPORT_NAME ${export_name} LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(name STREQUAL "ait64")
    target_compile_definitions(${target} INTERFACE AIT_DOUBLE)
  endif()
  add_library(ait::${export_name} ALIAS ${target})
endfunction()

# `name` (ait or ait64) from the objects of target `name`_objects.
#
# The two precisions are built from the same sources, so their internal functions have the same
# names. In an archive of plain objects those names would be global, and a program that links both
# archives would silently mix them. Each archive is therefore one relocatable object in which every
# hidden symbol has been made local and no group is left that a linker could take for the other's.
function(ait_add_libraries name)
  set(objects $<TARGET_OBJECTS:${name}_core_objects> $<TARGET_OBJECTS:${name}_kernel_objects>
      $<TARGET_OBJECTS:${name}_cuda_objects>)

  add_library(${name}_shared SHARED ${objects})
  target_link_libraries(${name}_shared PRIVATE ait_flags ait_cuda_libraries)
  set_target_properties(${name}_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${AIT_SOVERSION})
  ait_library_interface(${name}_shared ${name} ${name})

  set(single ${CMAKE_CURRENT_BINARY_DIR}/${name}_single.o)
  add_custom_command(OUTPUT ${single}
                     COMMAND ${CMAKE_LINKER} -r --force-group-allocation -o ${single} ${objects}
                     COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${single}
                     DEPENDS ${name}_core_objects ${name}_kernel_objects ${name}_cuda_objects ${objects} COMMAND_EXPAND_LISTS VERBATIM
                     COMMENT "Making the one object of lib${name}.a")
  set_source_files_properties(${single} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  add_library(${name}_static STATIC ${single})
  target_link_libraries(${name}_static INTERFACE PkgConfig::AIT_OPENBLAS ZLIB::ZLIB ${AIT_CUDA_LIBRARIES}
                        ${OpenMP_C_FLAGS} m)
  target_link_options(${name}_static INTERFACE ${AIT_SANITIZE_FLAGS})
  ait_library_interface(${name}_static ${name} ${name}_static)
endfunction()
