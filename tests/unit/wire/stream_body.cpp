#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/wire/stream_body.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace stream_body_tests {

using communica::errc;
using communica::wire::ItemHead;
using communica::wire::ItemReader;
using communica::wire::StreamCredit;
using namespace std::string_view_literals;

TEST_CASE("credit is two numbers of four bytes, and what is behind them does not count") {
    char bytes[StreamCredit::size];
    StreamCredit{0x40000, 1024}.store(bytes);
    CHECK(std::string_view(bytes, sizeof bytes) == "\0\4\0\0\0\0\4\0"sv);
    const auto credit = StreamCredit::load("\0\4\0\0\0\0\4\0more"sv);
    CHECK(credit.bytes == 0x40000);
    CHECK(credit.items == 1024);
    CHECK(test::code_of([] { return StreamCredit::load("\0\4\0\0\0\0\4"sv).bytes; }) == errc::protocol_error);
}

TEST_CASE("the head of an item is its length, with the highest bit for a part") {
    char bytes[ItemHead::size];
    ItemHead{3, false}.store(bytes);
    CHECK(std::string_view(bytes, sizeof bytes) == "\0\0\0\3"sv);
    ItemHead{ItemHead::most, true}.store(bytes);
    CHECK(std::string_view(bytes, sizeof bytes) == "\xff\xff\xff\xff"sv);
    CHECK(ItemHead::load("\x80\0\0\x02").is_part);
    CHECK(ItemHead::load("\x80\0\0\x02").length == 2);
    CHECK_FALSE(ItemHead::load("\x7f\xff\xff\xff").is_part);
}

TEST_CASE("items are taken one after another") {
    std::vector<std::string> items;
    std::vector<bool> parts;
    for (ItemReader reader("\0\0\0\1a\x80\0\0\2bc\0\0\0\0"sv); reader.next();) {
        items.emplace_back(reader.item());
        parts.push_back(reader.is_part());
    }
    CHECK(items == std::vector<std::string>{"a", "bc", ""});
    CHECK(parts == std::vector{false, true, false});
}

TEST_CASE("an item that passes its message is an error, wherever it is cut") {
    constexpr std::string_view whole = "\0\0\0\1a\0\0\0\2bc"sv;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const auto read_all = [&] {
            int count = 0;
            for (ItemReader reader(whole.substr(0, size)); reader.next();) {
                ++count;
            }
            return count;
        };
        const bool is_between = size == 0 || size == 5 || size == whole.size();
        CHECK(test::code_of(read_all) == (is_between ? std::error_code() : errc::protocol_error));
    }
    CHECK(test::code_of([] { return ItemReader("\x7f\xff\xff\xff too short"sv).next(); }) == errc::protocol_error);
}

}  // namespace stream_body_tests
