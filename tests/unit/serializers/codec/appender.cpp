#include "support/catch.hpp"

#include <communica/serializers/codec/appender.hpp>

#include <stdexcept>
#include <string>

namespace appender_tests {

using communica::Buffer;
using communica::codec::Appender;

TEST_CASE("what is appended stands behind what was there, however often the buffer grows") {
    Buffer buffer;
    std::string expected = "before ";
    buffer.append(expected);
    {
        Appender appender(buffer);
        for (int i = 0; i != 3000; ++i) {
            const std::string piece = std::to_string(i);
            appender.append(piece);
            appender.push_back(',');
            expected += piece + ',';
        }
        appender.append("");
    }
    CHECK(buffer.text() == expected);
}

TEST_CASE("room that is not used, and what is taken back, is not in the buffer") {
    Buffer buffer;
    {
        Appender appender(buffer);
        char* const at = appender.room(100'000);
        at[0] = 'a';
        at[1] = 'b';
        appender.end_at(at + 2);
        CHECK(appender.back() == 'b');
        appender.pop_back();
    }
    CHECK(buffer.text() == "a");
}

TEST_CASE("the buffer holds what was appended before something was thrown, and no more") {
    Buffer buffer;
    const auto append_and_throw = [&buffer] {
        Appender appender(buffer);
        appender.append("part");
        throw std::runtime_error("stop");
    };
    CHECK_THROWS(append_and_throw());
    CHECK(buffer.text() == "part");
}

}  // namespace appender_tests
