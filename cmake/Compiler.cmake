# SPDX-License-Identifier: Apache-2.0
# Warnings, hardening and sanitizers: one interface target that every room links.
add_library(scepter_compiler INTERFACE)
target_compile_options(scepter_compiler INTERFACE
  -Wall -Wextra -Wconversion -Wcast-qual -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wformat=2 -Wundef -Wvla -fno-common)
if(SCEPTER_WERROR)
  target_compile_options(scepter_compiler INTERFACE -Werror)
endif()
target_compile_definitions(scepter_compiler INTERFACE _GNU_SOURCE)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(SCEPTER_SANITIZE)
  target_compile_options(scepter_compiler INTERFACE
    -fsanitize=${SCEPTER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(scepter_compiler INTERFACE -fsanitize=${SCEPTER_SANITIZE})
else()
  target_compile_options(scepter_compiler INTERFACE -fstack-protector-strong
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  target_link_options(scepter_compiler INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
if(SCEPTER_FUZZ)
  target_compile_options(scepter_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SCEPTER_COVERAGE)
  target_compile_options(scepter_compiler INTERFACE --coverage)
  target_link_options(scepter_compiler INTERFACE --coverage)
endif()

# A room: a static library of the sources beside it, whose only exported include
# directory is its own face. `needs` names the rooms and libraries it may see.
function(scepter_room room)
  cmake_parse_arguments(ROOM "" "" "NEEDS;USES;FOLDERS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.c)
  foreach(folder ${ROOM_FOLDERS})
    file(GLOB more CONFIGURE_DEPENDS ${folder}/*.c)
    list(APPEND sources ${more})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  if(NOT sources)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.c "")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.c)
  endif()
  add_library(scepter_${room} STATIC ${sources})
  if(EXISTS ${PROJECT_SOURCE_DIR}/include/scepter/${room})
    target_include_directories(scepter_${room} PUBLIC ${PROJECT_SOURCE_DIR}/include/scepter/${room})
  endif()
  target_include_directories(scepter_${room} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(scepter_${room} PUBLIC ${ROOM_NEEDS} PRIVATE ${ROOM_USES} PUBLIC scepter_compiler)
endfunction()
