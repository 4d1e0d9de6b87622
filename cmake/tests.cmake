# Tests that are scripts. Status 77 means: this machine lacks what the test needs.
list(JOIN AIT_SANITIZE_FLAGS " " AIT_TEST_CFLAGS)

function(ait_add_script name script label)
  add_test(NAME ${name} COMMAND bash ${script})
  set_tests_properties(${name} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 600 COST 500) # the longest first
endfunction()

ait_add_script(links ${PROJECT_SOURCE_DIR}/tests/links.sh docs)

file(GLOB AIT_CLI_TESTS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/cli/*.sh)
# Sanitizers leave out what takes many iterations for a figure, over code that the others run.
if(AIT_SANITIZE)
  list(FILTER AIT_CLI_TESTS EXCLUDE REGEX "/(auto_rate|golden|solve)\\.sh$")
endif()
foreach(script IN LISTS AIT_CLI_TESTS)
  get_filename_component(name ${script} NAME_WE)
  ait_add_script(cli.${name} ${script} cli)
  set_tests_properties(cli.${name} PROPERTIES ENVIRONMENT
    "AIT=$<TARGET_FILE:ait_program>;AIT64=$<TARGET_FILE:ait64_program>;AIT_SHARED=${PROJECT_SOURCE_DIR}/../shared")
endforeach()
if(AIT_SANITIZE) # a watched program takes longer to begin anew than it runs before it is killed, and is slow enough
  set_property(TEST cli.resume APPEND PROPERTY ENVIRONMENT AIT_KILLS=1 AIT_LONG=500)
endif()

ait_add_script(packaging ${PROJECT_SOURCE_DIR}/tests/packaging.sh packaging)
set_tests_properties(packaging PROPERTIES ENVIRONMENT
  "AIT_BUILD=${PROJECT_BINARY_DIR};AIT_CFLAGS=${AIT_TEST_CFLAGS};CC=${CMAKE_C_COMPILER}")

# The cases of 8-bit rows and the model operations with every version of the CPU's data pass forced; what only
# names a version (Versions/, Devices/DataPassTest) forces it itself. A version that the machine, the build or
# the precision lacks is refused with a sentence, and its test SKIPPED.
foreach(name IN LISTS AIT_TESTED)
  foreach(kernel baseline v2 v3 v4 amx)
    add_test(NAME ${name}.golden.cpu.${kernel} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests
             COMMAND ${name}_tests --gtest_filter=Cases/Golden.*/clean_u8*:GoldenFolder.*:Devices/ModelTest.*/cpu)
    set_tests_properties(${name}.golden.cpu.${kernel} PROPERTIES LABELS unit TIMEOUT 300
                         ENVIRONMENT AIT_CPU_KERNEL=${kernel}
                         SKIP_REGULAR_EXPRESSION "AIT_CPU_KERNEL is ;no reference cases at")
  endforeach()
endforeach()
