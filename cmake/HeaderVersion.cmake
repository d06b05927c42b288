# The version that a header of Asio's or Boost's states. Also installed with communica, beside the modules that include this.

# communica_header_version(NAME HEADER MACRO): sets NAME_VERSION to 1.22.1 where HEADER has "#define MACRO 102201"
function(communica_header_version name header macro)
  file(STRINGS "${header}" number REGEX "#define ${macro} [0-9]+")
  string(REGEX REPLACE ".*${macro} ([0-9]+).*" "\\1" number "${number}")
  math(EXPR major "${number} / 100000")
  math(EXPR minor "${number} / 100 % 1000")
  math(EXPR patch "${number} % 100")
  set(${name}_VERSION ${major}.${minor}.${patch} PARENT_SCOPE)
endfunction()
