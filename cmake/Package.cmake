# `cpack -G DEB` makes libcommunica-dev, for every architecture.

set(COMMUNICA_MAINTAINER "communica maintainers <maintainers@communica.example>" CACHE STRING
  "Who answers for the Debian package: a name and an address in <>")
set(COMMUNICA_PACKAGE_REVISION 0upstream1 CACHE STRING
  "Revision of the Debian package, for one version of the library: before 1, which is Debian's own")

# ---- what Debian wants to find in share/doc -------------------------------------------------------------------------

set(package libcommunica-dev)
set(doc_dir "${PROJECT_BINARY_DIR}/${package}")
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
install(DIRECTORY "${doc_dir}/" DESTINATION share/doc/${package} COMPONENT debian EXCLUDE_FROM_ALL)

# ---- the package ----------------------------------------------------------------------------------------------------

set(CPACK_PACKAGE_NAME ${package})
set(CPACK_PACKAGE_VENDOR communica)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "requests both ways between processes, as C++20 coroutines")
set(CPACK_PACKAGE_DESCRIPTION
  "A header-only C++20 library on standalone Asio, by which processes ask each
other over local sockets, TCP, TLS and RabbitMQ: requests, notifications and
streams, either way over one connection, typed by described structs. On the
wire it is compatible with the Python library communica.
.
Parts with a dependency of their own need the packages that are suggested.")
set(CPACK_PACKAGE_FILE_NAME "${package}_${package_version}_all")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${PROJECT_BINARY_DIR};${PROJECT_NAME};Unspecified;/"
  "${PROJECT_BINARY_DIR};${PROJECT_NAME};debian;/")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${COMMUNICA_PACKAGE_REVISION})
set(CPACK_DEBIAN_PACKAGE_SOURCE communica)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${COMMUNICA_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libasio-dev (>= 1:1.22.1), nlohmann-json3-dev (>= 3.11)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libssl-dev, libsimdjson-dev, librabbitmq-dev (>= 0.11)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_GENERATOR DEB)
include(CPack)
