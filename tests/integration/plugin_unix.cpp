// A program and a plugin that have the library's headers both.
#include "support/catch.hpp"

#include <communica/counters.hpp>
#include <communica/error.hpp>

#include <system_error>

#include <dlfcn.h>

namespace plugin {

using communica::errc;

TEST_CASE("an error code of a plugin is the program's, for all that compare it") {
    void* const library = ::dlopen(COMMUNICA_TEST_PROGRAMS_DIR "/liberror_plugin.so", RTLD_NOW | RTLD_LOCAL);
    INFO((library == nullptr ? ::dlerror() : ""));
    REQUIRE(library != nullptr);
    const auto make =
        reinterpret_cast<void (*)(int, std::error_code*)>(::dlsym(library, "communica_plugin_make_error"));
    REQUIRE(make != nullptr);

    communica::Counters counters;
    for (int value = static_cast<int>(errc::closed); value <= static_cast<int>(communica::base::last_errc); ++value) {
        std::error_code code;
        make(value, &code);
        CHECK(code == static_cast<errc>(value));
        CHECK(static_cast<errc>(value) == code);
        CHECK(code != static_cast<errc>(value + 1));
        CHECK(code.message() == communica::make_error_code(static_cast<errc>(value)).message());
        counters.count_error(code);
        CHECK(counters.errors(static_cast<errc>(value)) == 1);
    }
    CHECK(std::error_code(static_cast<int>(errc::closed), std::generic_category()) != errc::closed);
}

}  // namespace plugin
