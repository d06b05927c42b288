# `cpack -G DEB` makes libcommunica-dev, for every architecture, and communica, which has the tool, where the tool is built.

set(COMMUNICA_MAINTAINER "communica maintainers <maintainers@communica.example>" CACHE STRING
  "Who answers for the Debian packages: a name and an address in <>")
set(COMMUNICA_PACKAGE_REVISION 0upstream1 CACHE STRING
  "Revision of the Debian packages, for one version of the library: before 1, which is Debian's own")

# ---- what Debian wants to find in share/doc -------------------------------------------------------------------------

set(package_version "${PROJECT_VERSION}-${COMMUNICA_PACKAGE_REVISION}")

# The date is that of the last change, so that the same source makes the same package.
execute_process(
  COMMAND git -C "${PROJECT_SOURCE_DIR}" log -1 --format=%aD
  OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT date)
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
endif()

file(STRINGS LICENSE COPYRIGHT REGEX "^Copyright")
string(REGEX MATCH "20[0-9][0-9]" year "${date}")
string(REGEX REPLACE "Copyright \\(c\\)" "${year}" COPYRIGHT "${COPYRIGHT}")
file(READ LICENSE LICENSE)
string(REGEX REPLACE "^.*(Permission is)" "\\1" LICENSE "${LICENSE}")
string(STRIP "${LICENSE}" LICENSE)
string(REGEX REPLACE "\n\n" "\n.\n" LICENSE "${LICENSE}")
string(REGEX REPLACE "\n" "\n " LICENSE " ${LICENSE}")

set(doc_dir "${PROJECT_BINARY_DIR}/package_doc")
configure_file(packaging/debian/copyright "${doc_dir}/copyright" @ONLY)
file(WRITE "${doc_dir}/changelog.Debian"
  "communica (${package_version}) unstable; urgency=medium\n\n  * Version ${PROJECT_VERSION}: see changelog.gz.\n\n"
  " -- ${COMMUNICA_MAINTAINER}  ${date}\n")
configure_file(CHANGELOG.md "${doc_dir}/changelog" COPYONLY)
find_program(GZIP gzip)
mark_as_advanced(GZIP)
if(GZIP)
  execute_process(COMMAND "${GZIP}" -9nf changelog changelog.Debian WORKING_DIRECTORY "${doc_dir}")
endif()

# ---- the packages ---------------------------------------------------------------------------------------------------

# add_package(NAME COMPONENT): a package of what is installed as that component, and of its own share/doc
macro(add_package name component)
  string(TOUPPER "${component}" upper)
  install(DIRECTORY "${doc_dir}/" DESTINATION share/doc/${name} COMPONENT ${component}_doc EXCLUDE_FROM_ALL)
  set(CPACK_COMPONENT_${upper}_GROUP ${component})
  set(CPACK_COMPONENT_${upper}_DOC_GROUP ${component})
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  list(APPEND CPACK_COMPONENTS_ALL ${component} ${component}_doc)
endmacro()

set(CPACK_PACKAGE_NAME communica)
set(CPACK_PACKAGE_VENDOR communica)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGE_FILE_NAME "communica_${package_version}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${COMMUNICA_PACKAGE_REVISION})
set(CPACK_DEBIAN_PACKAGE_SOURCE communica)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${COMMUNICA_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)

set(CPACK_COMPONENTS_ALL)
add_package(libcommunica-dev Unspecified)  # what names no component
set(CPACK_COMPONENT_UNSPECIFIED_DESCRIPTION "bidirectional RPC between processes, in C++20 coroutines
A header-only C++20 library on Asio: requests, notifications and streams in
both directions over one connection. Transports are local sockets, TCP, TLS,
shared memory and RabbitMQ. The wire protocol is compatible with the Python
library communica.
.
Optional parts need the suggested packages.")
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SECTION libdevel)
if(COMMUNICA_USE_BOOST_ASIO)
  set(asio_dependency "libboost1.81-dev | libboost-dev (>= 1.81)")
else()
  set(asio_dependency "libasio-dev (>= 1:1.22.1)")
endif()
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_DEPENDS "${asio_dependency}, nlohmann-json3-dev (>= 3.11)")
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SUGGESTS "libssl-dev, libsimdjson-dev, librabbitmq-dev (>= 0.11)")

if(TARGET communica_tool)
  add_package(communica tool)
  # Debian's zsh looks for completions of packages in a directory of their own, and manual pages are compressed.
  configure_file(tools/communica/communica.1 "${PROJECT_BINARY_DIR}/package_man/communica.1" COPYONLY)
  if(GZIP)
    execute_process(COMMAND "${GZIP}" -9nf "${PROJECT_BINARY_DIR}/package_man/communica.1")
  endif()
  install(DIRECTORY "${PROJECT_BINARY_DIR}/package_man/" DESTINATION share/man/man1 COMPONENT tool_doc EXCLUDE_FROM_ALL)
  install(FILES tools/communica/completion/_communica DESTINATION share/zsh/vendor-completions COMPONENT tool_doc EXCLUDE_FROM_ALL)
  set(CPACK_COMPONENT_TOOL_DESCRIPTION "command line tool for servers of the communica libraries
Inspects servers that use communica for C++ or for Python, sends requests to
them, watches streams, serves with any program as the handler, prints the
messages between two processes, and compares contracts.")
  set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION utils)
  set(CPACK_DEBIAN_TOOL_PACKAGE_SHLIBDEPS ON)
  set(CPACK_STRIP_FILES ON)
endif()

set(CPACK_GENERATOR DEB)
include(CPack)
