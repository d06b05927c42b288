"""A Conan 2 recipe of the checkout that it lies in:

    conan create packaging/conan --build=missing
"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

# What each option needs.
PARTS = {"tls": "openssl/[>=1.1.1 <4]", "rabbitmq": "librabbitmq/[>=0.11 <1]", "fast_json": "simdjson/[>=3 <4]"}
SOURCES = ("CMakeLists.txt", "LICENSE", "CHANGELOG.md", "cmake/*", "debugging/*", "include/*", "packaging/debian/*")


class Communica(ConanFile):
    name = "communica"
    description = "Bidirectional RPC between processes, in C++20 coroutines on standalone Asio"
    license = "MIT"
    topics = ("ipc", "rpc", "asio", "coroutines", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {part: [True, False] for part in PARTS}
    default_options = {part: False for part in PARTS}
    no_copy_source = True

    @property
    def _checkout(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._checkout, "include", "communica", "version.hpp"))
        self.version = re.search(r'version = "(.*)"', text).group(1)

    def export(self):
        copy(self, "include/communica/version.hpp", self._checkout, self.export_folder)

    def export_sources(self):
        for pattern in SOURCES:
            copy(self, pattern, self._checkout, self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("asio/[>=1.22.1 <2]")
        self.requires("nlohmann_json/[>=3.11 <4]")
        for part, library in PARTS.items():
            if self.options.get_safe(part):
                self.requires(library)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for own in ("TESTS", "EXAMPLES", "TOOL"):
            toolchain.variables[f"COMMUNICA_BUILD_{own}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "share"))  # CMakeDeps and PkgConfigDeps write their own

    def package_info(self):
        def part(name, requires, target=None):
            component = self.cpp_info.components[name]
            component.set_property("cmake_target_name", target or f"communica::{name}")
            component.requires = requires
            component.bindirs = component.libdirs = []
            return component

        core = part("communica", ["asio::asio", "nlohmann_json::nlohmann_json"])
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]
        elif self.settings.os == "Windows":
            core.system_libs = ["ws2_32", "mswsock", "advapi32"]
        if self.options.tls:
            part("tls", ["communica", "openssl::ssl"])
            part("auth", ["communica", "openssl::crypto"])
        if self.options.rabbitmq:
            part("rabbitmq", ["communica", "librabbitmq::librabbitmq"])
        if self.options.rabbitmq and self.options.tls:
            part("rabbitmq_tls", ["rabbitmq", "tls"])
        if self.options.fast_json:
            part("fast_json", ["communica", "simdjson::simdjson"])
