# Writes the page of `tensorfile report` as C++, program/report_page.inc: report.html with its style and script inside,
# divided where the data go. The policy of the page allows only this style and this script, by their SHA-256.

# Lines end in LF, as browsers see them, whatever the checkout has.
function(read_text result name)
  set(path ${PROJECT_SOURCE_DIR}/src/cli/${name})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  string(REPLACE "\r" "" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# Returns a SHA-256 in Base64. Three hexadecimal digits are two characters; the 64 digits are padded to 66, of which the
# last character is "=".
function(sha256_base64 result text)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  string(SHA256 hex "${text}")
  string(APPEND hex 00)
  set(base64 "")
  foreach(start RANGE 0 63 3)
    string(SUBSTRING ${hex} ${start} 3 digits)
    math(EXPR first "0x${digits} >> 6")
    math(EXPR second "0x${digits} & 63")
    foreach(index ${first} ${second})
      string(SUBSTRING ${alphabet} ${index} 1 character)
      string(APPEND base64 ${character})
    endforeach()
  endforeach()
  string(REGEX REPLACE "A$" "=" base64 ${base64})
  set(${result} ${base64} PARENT_SCOPE)
endfunction()

# Writes a text as one literal for each line, because compilers limit the length of a literal.
function(literal result text)
  string(REPLACE "\n" "\n)page\"\nR\"page(" text "${text}")
  set(${result} "R\"page(${text})page\"" PARENT_SCOPE)
endfunction()

function(write_report_page)
  read_text(page report.html)
  read_text(style report.css)
  read_text(script report.js)
  sha256_base64(style_hash "${style}")
  sha256_base64(script_hash "${script}")
  set(policy "default-src 'none'; script-src 'sha256-${script_hash}'; style-src 'sha256-${style_hash}'")
  string(APPEND policy "; base-uri 'none'; form-action 'none'")
  string(REPLACE "@POLICY@" "${policy}" page "${page}")
  string(REPLACE "@STYLE@" "${style}" page "${page}")
  string(REPLACE "@SCRIPT@" "${script}" page "${page}")
  string(FIND "${page}" "@DATA@" at)
  string(SUBSTRING "${page}" 0 ${at} start)
  math(EXPR after "${at} + 6")
  string(SUBSTRING "${page}" ${after} -1 end)
  literal(start "${start}")
  literal(end "${end}")
  file(WRITE ${PROJECT_BINARY_DIR}/report_page.new "// Made by cmake/report_page.cmake.\n"
    "constexpr char kPageStart[] = ${start};\nconstexpr char kPageEnd[] = ${end};\n")
  # Copies only a file that has changed.
  configure_file(${PROJECT_BINARY_DIR}/report_page.new ${PROJECT_BINARY_DIR}/program/report_page.inc COPYONLY)
endfunction()

write_report_page()
