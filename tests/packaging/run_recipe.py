"""Runs the Conan recipe as `conan create` does, with stand-ins for Conan's classes: exports the sources, configures and installs from
them alone, and reads what it tells of the package; with no option and with all.

    run_recipe.py RECIPE DIRECTORY CMAKE [SETTING]...
"""
import collections
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import types

recipe_path, work = map(pathlib.Path, sys.argv[1:3])
cmake, *settings = sys.argv[3:]


class Options(types.SimpleNamespace):
    def get_safe(self, name):
        return getattr(self, name, None)


class Component:
    def __init__(self):
        self.properties, self.requires, self.system_libs = {}, [], []
        self.includedirs, self.bindirs, self.libdirs = ["include"], ["bin"], ["lib"]

    def set_property(self, name, value):
        self.properties[name] = value


class ConanFile:
    def requires(self, reference):
        self.required.append(reference)


class CMakeToolchain:
    def __init__(self, recipe):
        self.variables = recipe.toolchain = {}

    def generate(self):
        pass


class CMakeDeps(CMakeToolchain):
    pass


class CMake:
    def __init__(self, recipe):
        self.recipe = recipe

    def configure(self):
        variables = [f"-D{name}={'ON' if value else 'OFF'}" for name, value in self.recipe.toolchain.items()]
        run(cmake, "-S", self.recipe.source_folder, "-B", self.recipe.build_folder, *settings, *variables)

    def install(self):
        run(cmake, "--install", self.recipe.build_folder, "--prefix", self.recipe.package_folder)


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def copy(recipe, pattern, source, target):
    copied = []
    for path in sorted(pathlib.Path(source).glob(pattern)):
        for file in [path] if path.is_file() else [below for below in path.rglob("*") if below.is_file()]:
            there = pathlib.Path(target) / file.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            copied.append(shutil.copy(file, there))
    assert copied, f"nothing is called {pattern} in {source}"


def stand_in():
    """The modules that the recipe imports."""
    modules = {
        "conan": {"ConanFile": ConanFile},
        "conan.tools": {},
        "conan.tools.build": {"check_min_cppstd": lambda recipe, standard: None},
        "conan.tools.cmake": {"CMake": CMake, "CMakeDeps": CMakeDeps, "CMakeToolchain": CMakeToolchain,
                              "cmake_layout": lambda recipe: None},
        "conan.tools.files": {"copy": copy, "load": lambda recipe, path: pathlib.Path(path).read_text(),
                              "rmdir": lambda recipe, path: shutil.rmtree(path, ignore_errors=True)},
    }
    for name, names in modules.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(names)


def create(recipe_class, with_parts):
    shutil.rmtree(work, ignore_errors=True)
    recipe = recipe_class()
    recipe.recipe_folder = str(recipe_path.parent)
    for folder in ("export", "export_sources", "source", "build", "package"):
        setattr(recipe, f"{folder}_folder", str(work / folder))
    recipe.required, recipe.info = [], types.SimpleNamespace(clear=lambda: None)
    recipe.settings = types.SimpleNamespace(os="Linux")
    recipe.options = Options(**{name: with_parts for name in recipe.default_options})
    recipe.cpp_info = types.SimpleNamespace(components=collections.defaultdict(Component))
    recipe.set_version()
    recipe.export()
    recipe.export_sources()
    recipe.source_folder = recipe.export_sources_folder  # no_copy_source
    for step in ("layout", "requirements", "validate", "package_id", "generate", "build", "package", "package_info"):
        getattr(recipe, step)()
    return recipe


def main():
    stand_in()
    specification = importlib.util.spec_from_file_location("conanfile", recipe_path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    for with_parts in (False, True):
        recipe = create(module.Communica, with_parts)
        package = pathlib.Path(recipe.package_folder)
        assert recipe.version.count(".") == 2, recipe.version
        assert (package / "include/communica/communica.hpp").is_file() and (package / "licenses/LICENSE").is_file()
        left = sorted(path.name for path in package.iterdir())
        assert left == ["include", "licenses"], left  # headers alone
        wanted = {"communica"} | ({"tls", "auth", "rabbitmq", "rabbitmq_tls", "fast_json"} if with_parts else set())
        components = recipe.cpp_info.components
        assert set(components) == wanted, set(components)
        assert len(recipe.required) == 2 + with_parts * len(recipe.default_options), recipe.required
        libraries = {reference.partition("/")[0] for reference in recipe.required}
        for component in components.values():
            for needed in component.requires:  # another component, or one of a library that is required
                assert needed in components or needed.partition("::")[0] in libraries, needed
    print(f"{recipe.version}: {', '.join(sorted(components))} on {', '.join(recipe.required)}")


main()
