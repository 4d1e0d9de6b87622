# fuzz.cmake - the readers of outside bytes under random ones. Every file of tests/fuzz/targets is a target. With
# AIT_FUZZ each becomes a libFuzzer program (scripts/fuzz.sh runs them); else all of them are one program that the test
# fuzz.corpus runs over the corpus, with any compiler.

if(AIT_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "AIT_FUZZ needs clang, whose libFuzzer runs the targets: CC=clang CXX=clang++ cmake ...")
  endif()
  set(AIT_BUILD_TESTS OFF)
  set(AIT_FUZZ_FLAGS -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # gcc is the compiler whose warnings are heeded.
  target_compile_options(ait_flags INTERFACE ${AIT_FUZZ_FLAGS} -fsanitize=fuzzer-no-link -Wno-error)
  target_link_options(ait_flags INTERFACE ${AIT_FUZZ_FLAGS})
endif()

file(GLOB AIT_FUZZ_SOURCES CONFIGURE_DEPENDS tests/fuzz/targets/*.c)
set(AIT_FUZZ_FOLDER ${PROJECT_SOURCE_DIR}/tests/fuzz)

# A program of the float library's objects without CUDA.
function(ait_add_fuzz_program name)
  add_executable(${name} ${ARGN} tests/fuzz/files.c tests/fuzz/checkpoints.c)
  target_include_directories(${name} PRIVATE ${AIT_FUZZ_FOLDER})
  target_link_libraries(${name} PRIVATE ait_program_objects ait_core_objects ait_kernel_objects
                        ait_no_cuda_objects)
endfunction()

function(ait_add_fuzz)
  if(AIT_FUZZ)
    # The CPU's arithmetic reads nothing from outside, and takes minutes to compile instrumented.
    file(GLOB arithmetic host/device/cpu/*.c)
    set_property(SOURCE ${arithmetic} APPEND PROPERTY COMPILE_OPTIONS -O1 -fno-sanitize=all,fuzzer-no-link)
    add_custom_target(fuzz) # all of them
    foreach(source IN LISTS AIT_FUZZ_SOURCES)
      get_filename_component(name ${source} NAME_WE)
      ait_add_fuzz_program(fuzz_${name} ${source} tests/fuzz/entry.c)
      target_compile_definitions(fuzz_${name} PRIVATE AIT_FUZZ_TARGET=fuzz_${name})
      target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
      add_dependencies(fuzz fuzz_${name})
    endforeach()
  elseif(AIT_BUILD_TESTS)
    ait_add_fuzz_program(ait_fuzz_corpus ${AIT_FUZZ_SOURCES} tests/fuzz/corpus.c)
    ait_add_script(fuzz.corpus ${AIT_FUZZ_FOLDER}/corpus.sh unit)
    set_tests_properties(fuzz.corpus PROPERTIES ENVIRONMENT "AIT_FUZZ_CORPUS=$<TARGET_FILE:ait_fuzz_corpus>")
  endif()
endfunction()
