# An overlay port: it builds the checkout that it lies in.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS features
  FEATURES
    fast-json COMMUNICA_FAST_JSON
    rabbitmq COMMUNICA_RABBITMQ
  INVERTED_FEATURES
    tls CMAKE_DISABLE_FIND_PACKAGE_OpenSSL)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS ${features} -DCOMMUNICA_BUILD_TESTS=OFF -DCOMMUNICA_BUILD_EXAMPLES=OFF -DCOMMUNICA_BUILD_TOOL=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/communica)
vcpkg_fixup_pkgconfig()
set(VCPKG_POLICY_SKIP_PKGCONFIG_CHECK enabled)  # it takes -pthread for a library, which had to be below lib/

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug")  # headers alone
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
