# Header-only, so everything lies under include/ and share/: one installation serves every architecture.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "share/cmake/communica")

install(TARGETS communica EXPORT communica FILE_SET HEADERS)
install(EXPORT communica NAMESPACE communica:: FILE communicaTargets.cmake DESTINATION ${package_dir})

# An export for each part, which the package reads only where the part's dependency is found.
foreach(part IN LISTS parts)
  install(TARGETS communica_${part} EXPORT communica_${part} FILE_SET HEADERS)
  install(EXPORT communica_${part} NAMESPACE communica:: FILE communica_${part}Targets.cmake DESTINATION ${package_dir})
  configure_file(cmake/communica_${part}.pc.in "${PROJECT_BINARY_DIR}/communica_${part}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/communica_${part}.pc" DESTINATION share/pkgconfig)
endforeach()

configure_package_config_file(cmake/communicaConfig.cmake.in "${PROJECT_BINARY_DIR}/communicaConfig.cmake"
  INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/communicaConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)
install(FILES
  "${PROJECT_BINARY_DIR}/communicaConfig.cmake"
  "${PROJECT_BINARY_DIR}/communicaConfigVersion.cmake"
  cmake/Find${asio_package}.cmake
  cmake/HeaderVersion.cmake
  cmake/PartLibraries.cmake
  cmake/CompiledLibrary.cmake
  DESTINATION ${package_dir})

# For GDB and for Visual Studio.
install(FILES debugging/communica_gdb.py debugging/communica.natvis DESTINATION share/communica)

# pkg-config can not ask which compiler it serves, but the definition that FindAsio.cmake gives to Clang is true for all.
if(COMMUNICA_USE_BOOST_ASIO)
  set(asio_cflags "-DCOMMUNICA_USE_BOOST_ASIO")
elseif(Asio_VERSION VERSION_LESS 1.26)
  set(asio_cflags "-DASIO_HAS_CO_AWAIT=1")
endif()
foreach(name IN ITEMS communica communica-boost)
  configure_file(cmake/${name}.pc.in "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION share/pkgconfig)
endforeach()
