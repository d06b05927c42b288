// What goes out at an end of a stream: gathered, cut, and never more than there is credit for.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/streams/stream_output.hpp>

#include <string>
#include <vector>

namespace stream_output_tests {

using communica::errc;
using communica::SendClass;
using communica::peer::StreamOutput;
using communica::wire::ItemHead;
using communica::wire::ItemReader;
using Sent = StreamOutput::Sent;

namespace {

struct Output {
    void add(std::string_view text) {
        communica::Buffer item = StreamOutput::make_item();
        item.append(text);
        output.add(std::move(item));
    }
    Sent send() { return output.send(connection, "metadata"); }

    /// The items of the messages that were sent from this one on, each a text, parts with a `+`.
    std::vector<std::string> items(std::size_t from = 0) const {
        std::vector<std::string> all;
        for (std::size_t index = from; index != connection.sent.size(); ++index) {
            const std::string& body = connection.sent[index].body;
            if (body.front() != 1) {
                all.push_back(body == "\3" ? "blocked" : "?");
                continue;
            }
            for (ItemReader reader(std::string_view(body).substr(1)); reader.next();) {
                all.push_back(std::string(reader.item()) + (reader.is_part() ? "+" : ""));
            }
        }
        return all;
    }

    asio::io_context context;
    test::RecordingConnection connection{context};
    StreamOutput output;
};

using Items = std::vector<std::string>;

}  // namespace

TEST_CASE("what was written goes out in one message") {
    Output out;
    out.output.give({100, 10});
    CHECK(out.send() == Sent::all);
    out.add("a");
    out.add("");
    out.add("bc");
    CHECK(out.output.unsent() == 3 * ItemHead::size + 3);
    CHECK(out.send() == Sent::all);
    CHECK(out.output.unsent() == 0);
    CHECK(out.items() == Items{"a", "", "bc"});
    CHECK(out.connection.sent.size() == 1);
    CHECK(out.connection.send_classes == std::vector{SendClass::stream});
    CHECK(out.output.items_sent() == 3);
}

TEST_CASE("without credit nothing goes out, and the other side is told once") {
    Output out;
    out.add("a");
    CHECK(out.send() == Sent::no_credit);
    CHECK(out.send() == Sent::no_credit);
    CHECK(out.items() == Items{"blocked"});
    CHECK(out.connection.send_classes == std::vector{SendClass::response});
    out.output.give({100, 1});
    out.add("b");
    CHECK(out.send() == Sent::no_credit);
    CHECK(out.items(1) == Items{"a", "blocked"});
    out.output.give({100, 1}, 1);
    CHECK(out.send() == Sent::all);
    CHECK(out.items(3) == Items{"b"});
    CHECK(out.output.items_read() == 1);
}

TEST_CASE("as many items go out as there is credit for in bytes, and of the next a part if it would be the first") {
    Output out;
    out.output.give({20, 10});
    out.add("12345");
    out.add("123456");
    out.add("rest");
    CHECK(out.send() == Sent::no_credit);
    CHECK(out.items() == Items{"12345", "123456", "blocked"});  // a byte is left: no item fits
    out.output.give({6, 0}, 0);
    CHECK(out.send() == Sent::no_credit);
    CHECK(out.items(2) == Items{"res+", "blocked"});
    CHECK(out.output.items_sent() == 2);
    out.output.give({100, 0}, 2);
    CHECK(out.send() == Sent::all);
    CHECK(out.items(4) == Items{"t"});
    CHECK(out.output.items_sent() == 3);
}

TEST_CASE("a large item goes out in messages that a request may wait behind") {
    Output out;
    out.output.give({10'000'000, 10});
    const std::string text(300'000, 'l');
    out.add(text);
    out.add("s");
    CHECK(out.output.is_full());
    CHECK(out.send() == Sent::all);
    std::string whole;
    const auto items = out.items();
    for (std::size_t index = 0; index + 1 != items.size(); ++index) {
        whole += items[index].ends_with('+') ? items[index].substr(0, items[index].size() - 1) : items[index];
    }
    CHECK((whole == text));
    CHECK(items.back() == "s");
    for (const auto& message : out.connection.sent) {
        CHECK(message.body.size() + message.metadata.size() <= communica::max_stream_message);
    }
    CHECK(out.connection.sent.size() == 5);
}

TEST_CASE("what found no room is sent later, as it is") {
    Output out;
    out.output.give({1000, 10});
    out.add("a");
    out.connection.capacity = 0;
    CHECK(out.send() == Sent::no_room);
    out.add("b");
    CHECK(out.send() == Sent::no_room);
    out.connection.capacity = 10;
    CHECK(out.send() == Sent::all);
    CHECK(out.items() == Items{"a", "b"});

    out.output.give({4, 0});  // 1000 - 10 + 4
    out.add(std::string(2000, 'c'));
    out.connection.capacity = 0;
    CHECK(out.send() == Sent::no_room);
    const std::size_t unsent = out.output.unsent();
    CHECK(unsent == 2000 + 2 * ItemHead::size);  // it is cut
    out.connection.capacity = 10;
    CHECK(out.send() == Sent::no_credit);
    CHECK(out.items(1).front() == std::string(990, 'c') + "+");
}

TEST_CASE("more items read than were sent, or fewer than before, are an error") {
    Output out;
    out.output.give({1000, 10});
    out.add("a");
    out.add("b");
    out.send();
    CHECK(test::code_of([&] { return out.output.give({1, 1}, 3), 0; }) == errc::protocol_error);
    out.output.give({1, 1}, 2);
    CHECK(test::code_of([&] { return out.output.give({1, 1}, 1), 0; }) == errc::protocol_error);
}

}  // namespace stream_output_tests
