#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/assembler.hpp>

#include <string>

namespace rabbitmq_assembler_tests {

namespace {

using communica::Budget;
using communica::errc;
using communica::rabbitmq::Assembler;

constexpr std::size_t step = communica::BudgetReservation::step;

/// Gives it a body in frames of up to `piece` bytes, which do not live any longer.
void give(Assembler& assembler, const std::string& body, std::size_t piece) {
    assembler.begin(body.size());
    for (std::size_t at = 0; at < body.size(); at += piece) {
        CHECK_FALSE(assembler.is_whole());
        assembler.add(std::string(body, at, piece));
    }
    CHECK(assembler.is_whole());
}

/// What it makes of the body.
struct Made {
    std::string body;
    std::optional<errc> cut = {};
    bool operator==(const Made&) const = default;
};

Made make(Assembler& assembler, const std::string& body, std::size_t piece) {
    give(assembler, body, piece);
    Made made{std::string(assembler.body()), assembler.cut()};
    assembler.end();
    return made;
}

}  // namespace

TEST_CASE("a body in several frames is put together, one after the other") {
    Assembler assembler(100, 10, nullptr);
    CHECK(make(assembler, "abcdefghij", 3) == Made{"abcdefghij"});
    CHECK(make(assembler, "", 3) == Made{""});
    CHECK(make(assembler, "xyz", 1) == Made{"xyz"});
}

TEST_CASE("a body in one frame is borrowed, and costs the budget nothing") {
    const auto budget = std::make_shared<Budget>(0);
    const std::string body(3 * step, 'b');
    Assembler assembler(body.size(), 0, budget);
    assembler.begin(body.size());
    assembler.add(body);
    CHECK(assembler.body().data() == body.data());
    CHECK(assembler.body().size() == body.size());
    assembler.end();
    CHECK(make(assembler, "other", 2) == Made{"other"});
}

TEST_CASE("a body over the limit is cut to its head, in one frame and in several") {
    Assembler assembler(10, 4, nullptr);
    CHECK(make(assembler, "0123456789", 3) == Made{"0123456789"});
    for (const std::size_t piece : {1u, 3u, 4u, 5u, 11u}) {
        CHECK(make(assembler, "0123456789a", piece) == Made{"0123", errc::message_too_large});
    }
    CHECK(make(assembler, "fine", 3) == Made{"fine"});
}

TEST_CASE("a limit may be above the largest body, and another from the next body on") {
    Assembler assembler(0, 0, nullptr);
    CHECK(make(assembler, "a", 1) == Made{"", errc::message_too_large});
    assembler.set_limits(2, 1);
    CHECK(make(assembler, "ab", 1) == Made{"ab"});
    CHECK(make(assembler, "abc", 1) == Made{"a", errc::message_too_large});
}

TEST_CASE("a size that is only claimed takes no memory, and may be beyond what there is") {
    const auto budget = std::make_shared<Budget>(10 * step);
    Assembler assembler(static_cast<std::size_t>(-1), 4, budget);
    assembler.begin(static_cast<std::uint64_t>(-1));
    assembler.add("abcd");
    CHECK_FALSE(assembler.is_whole());
    CHECK(assembler.body() == "abcd");
    CHECK(budget->used() == 0);
}

TEST_CASE("bytes beyond the size that was said are no part of the body") {
    Assembler assembler(3, 0, nullptr);
    assembler.begin(3);
    assembler.add("abcd");
    CHECK(assembler.is_whole());
    CHECK(assembler.body() == "abc");
    assembler.end();
    assembler.begin(3);
    assembler.add("ab");
    assembler.add("cdef");
    CHECK(assembler.is_whole());
    CHECK(assembler.body() == "abc");
}

TEST_CASE("a body that the budget has no room for is cut to its head as busy, and gives back what it had") {
    const auto budget = std::make_shared<Budget>(4 * step);
    Assembler assembler(100 * step, 5, budget);
    std::string body(10 * step, 'b');
    body.replace(0, 5, "head!");
    assembler.begin(body.size());
    assembler.add(std::string_view(body).substr(0, 4 * step));
    CHECK(budget->used() == 4 * step);
    CHECK_FALSE(assembler.cut());
    assembler.add(std::string_view(body).substr(4 * step, step));
    CHECK(assembler.cut() == errc::busy);
    CHECK(budget->used() == 0);
    assembler.add(std::string_view(body).substr(5 * step));
    CHECK(assembler.is_whole());
    CHECK(assembler.body() == "head!");
}

TEST_CASE("a head that comes behind the cut is kept too") {
    const auto budget = std::make_shared<Budget>(0);
    Assembler assembler(100 * step, step + 3, budget);
    const std::string body = std::string(step, 'a') + "headless";
    CHECK(make(assembler, body, step) == Made{std::string(step, 'a') + "hea", errc::busy});
}

TEST_CASE("the memory of a body is given back at its end, and with the assembler") {
    const auto budget = std::make_shared<Budget>(100 * step);
    {
        Assembler assembler(100 * step, 0, budget);
        give(assembler, std::string(10 * step, 'b'), step);
        CHECK(budget->used() == 10 * step);
        assembler.end();
        CHECK(budget->used() == 0);
        give(assembler, std::string(5 * step, 'b'), step);
    }
    CHECK(budget->used() == 0);
}

}  // namespace rabbitmq_assembler_tests
