# SPDX-License-Identifier: Apache-2.0
# Writes text files as C initialisers: {"stem", "contents"}, one per file, in name order.
set(text "")
list(SORT FILES)
foreach(file ${FILES})
  file(READ ${file} body HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," body "${body}")
  get_filename_component(stem ${file} NAME_WE)
  string(APPEND text "{\"${stem}\", (const char[]){${body}0}},\n")
endforeach()
file(WRITE ${OUT} "${text}")
