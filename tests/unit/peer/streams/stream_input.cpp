// What comes in at an end of a stream: bounded by credit, which is given again as it is read.
#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/peer/streams/stream_input.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stream_input_tests {

using communica::errc;
using communica::Limits;
using communica::peer::StreamInput;
using communica::peer::StreamReading;
using communica::wire::ItemHead;

namespace {

std::string item(std::string_view text, bool is_part = false) {
    std::string bytes(ItemHead::size, '\0');
    ItemHead{static_cast<std::uint32_t>(text.size()), is_part}.store(bytes.data());
    return bytes.append(text);
}

struct Input {
    explicit Input(const Limits& limits) { credit = input.open(limits); }

    /// Everything that can be read now.
    std::vector<std::string> read() {
        std::vector<std::string> items;
        while (auto next = read_one()) {
            items.push_back(*std::move(next));
        }
        return items;
    }
    std::optional<std::string> read_one() {
        if (reading.is_empty() && !input.take(reading)) {
            return std::nullopt;
        }
        communica::Buffer* backing_buffer = nullptr;
        std::string next(communica::as_text(reading.next(backing_buffer)));
        in_own_memory = backing_buffer != nullptr;
        if (reading.has_to_tell()) {
            input.tell(reading);
        }
        return next;
    }

    StreamInput input;
    StreamReading reading;
    communica::wire::StreamCredit credit;
    bool in_own_memory = false;
};

constexpr Limits small{.max_message = 4000, .stream_window = 1024, .stream_items = 8, .max_stream_window = 4096};

}  // namespace

TEST_CASE("the first credit is the window") {
    const Input input(small);
    CHECK(input.credit.bytes == 1024);
    CHECK(input.credit.items == 8);
    CHECK(Input(Limits{.stream_window = 1}).credit.bytes == 1024);  // less would be of no use
    CHECK(Input(Limits{.stream_items = 0}).credit.items == 1);
}

TEST_CASE("items are read in order, and credit is given again for half a window") {
    Input input(small);
    CHECK(input.read().empty());
    CHECK_FALSE(input.input.due());
    input.input.add(item("a") + item("") + item("bcd"), nullptr);
    CHECK(input.read() == std::vector<std::string>{"a", "", "bcd"});
    CHECK_FALSE(input.input.due());
    input.input.add(item("e"), nullptr);
    CHECK(input.read() == std::vector<std::string>{"e"});
    const auto due = input.input.due();  // for four of eight items
    REQUIRE(due);
    CHECK(due->credit.bytes == 5 + 4 + 7 + 5);
    CHECK(due->credit.items == 4);
    CHECK(due->items_read == 4);
    CHECK_FALSE(input.input.due());
}

TEST_CASE("credit for half the bytes of a window comes while the rest is still to be read") {
    Input input(small);
    input.input.add(item(std::string(600, 'a')) + item(std::string(100, 'b')), nullptr);
    input.read_one();
    const auto due = input.input.due();
    REQUIRE(due);
    CHECK(due->credit.bytes == 604);
    CHECK(due->credit.items == 1);
}

TEST_CASE("more than there is credit for is an error, in bytes and in items") {
    Input bytes(small);
    bytes.input.add(item(std::string(1000, 'a')), nullptr);
    CHECK(test::code_of([&] { return bytes.input.add(item(std::string(17, 'b')), nullptr); }) == errc::protocol_error);

    Input items(small);
    std::string eight;
    for (int count = 0; count != 8; ++count) {
        eight += item("i");
    }
    items.input.add(eight, nullptr);
    CHECK(test::code_of([&] { return items.input.add(item("i"), nullptr); }) == errc::protocol_error);
    StreamInput closed;  // of an end that does not read
    CHECK(test::code_of([&] { return closed.add(item("i"), nullptr); }) == errc::protocol_error);
}

TEST_CASE("a message without items is an error") {
    Input input(small);
    CHECK(test::code_of([&] { return input.input.add("", nullptr); }) == errc::protocol_error);
    CHECK(input.read().empty());
}

TEST_CASE("items behind the end, a second end, and one within an item are errors") {
    Input ended(small);
    ended.input.on_finish();
    CHECK(ended.input.has_all());
    CHECK(test::code_of([&] { return ended.input.add(item("i"), nullptr); }) == errc::protocol_error);
    CHECK(test::code_of([&] { return ended.input.on_finish(), 0; }) == errc::protocol_error);
    Input within(small);
    within.input.add(item("i", true), nullptr);
    CHECK(test::code_of([&] { return within.input.on_finish(), 0; }) == errc::protocol_error);
}

TEST_CASE("an item in parts is read whole, behind those before it") {
    Input input(small);
    input.input.add(item("one") + item("tw", true), nullptr);
    CHECK(input.read() == std::vector<std::string>{"one"});
    input.input.add(item("o-", true), nullptr);
    CHECK(input.read().empty());
    input.input.add(item("2") + item("three"), nullptr);
    CHECK(input.read() == std::vector<std::string>{"two-2", "three"});
}

TEST_CASE("credit for the parts of an item is given while the reader waits for it, and not twice") {
    Input input(small);
    input.input.add(item(std::string(700, 'a'), true), nullptr);
    CHECK_FALSE(input.input.due());  // nobody reads
    CHECK(input.read().empty());
    auto due = input.input.due();
    REQUIRE(due);
    CHECK(due->credit.bytes == 704);
    CHECK(due->credit.items == 0);
    input.input.add(item(std::string(300, 'b')), nullptr);
    CHECK(input.read() == std::vector<std::string>{std::string(700, 'a') + std::string(300, 'b')});
    CHECK_FALSE(input.input.due());
    input.input.add(item(std::string(300, 'c')), nullptr);
    CHECK(input.read().size() == 1);
    due = input.input.due();
    REQUIRE(due);
    CHECK(due->credit.bytes == 304 + 304);  // of the rest of the first, and the second
    CHECK(due->credit.items == 2);
}

TEST_CASE("an item over the limit is told before it is held") {
    Input input(small);
    std::size_t bytes = 0;
    for (;; bytes += 600) {
        input.read();
        input.input.due();
        if (!input.input.add(item(std::string(600, 'a'), true), nullptr)) {
            break;
        }
    }
    CHECK(bytes == 3600);
}

TEST_CASE("the window doubles where the other side has no credit and the reader waits, up to the limit") {
    Input input(small);
    const auto fill = [&](std::size_t window) {
        input.input.add(item(std::string(window - ItemHead::size, 'a')), nullptr);
    };
    const auto given = [&] {
        const auto due = input.input.due();
        return due ? std::pair(due->credit.bytes, due->credit.items) : std::pair(0u, 0u);
    };
    fill(1024);
    CHECK(input.input.on_blocked());
    input.read_one();
    CHECK(given() == std::pair(1024u, 1u));  // it has not found the end yet: not known to wait
    CHECK_FALSE(input.input.on_blocked());   // that has crossed the credit
    fill(1024);
    input.read();
    CHECK(input.input.on_blocked());
    CHECK(given() == std::pair(2048u, 9u));
    CHECK_FALSE(input.input.on_blocked());
    CHECK(given() == std::pair(0u, 0u));
    fill(2048);
    input.read();
    CHECK(input.input.on_blocked());
    CHECK(given() == std::pair(4096u, 17u));
    fill(4096);
    input.read();
    CHECK(input.input.on_blocked());
    CHECK(given() == std::pair(4096u, 1u));
    fill(4096);
    input.read();
    CHECK(input.input.on_blocked());
    CHECK_FALSE(input.input.due(false)->credit.bytes > 4096);  // nor where there is no memory to spare
}

TEST_CASE("a large message is taken as it is, and lent to a reader that is given all of it") {
    Input input({});
    communica::Buffer message;
    message.append("kind");
    const std::string text(100'000, 't');
    message.append(item(text));
    const char* const at = message.data();
    input.input.add(message.text().substr(4), &message);
    CHECK(message.empty());
    CHECK(input.input.held() >= 100'000);
    CHECK(input.read_one() == text);
    CHECK(input.in_own_memory);
    CHECK(input.reading.items->data() == at + 4);
    communica::Buffer two;
    two.append(item("one") + item("two"));
    input.input.add(two.text(), &two);
    input.read_one();
    CHECK_FALSE(input.in_own_memory);
}

}  // namespace stream_input_tests
