// Items pass from a stream's output to an input in any steps, whole and in order, within credit and bounded; and any bytes in
// the place of messages are refused or held within the same bounds.
#include "fuzz.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/streams/stream_input.hpp>
#include <communica/peer/streams/stream_output.hpp>

#include <deque>
#include <string>
#include <string_view>

namespace {

using communica::Limits;
using communica::peer::StreamInput;
using communica::peer::StreamOutput;
using communica::peer::StreamReading;

Limits limits_of(unsigned choice) {
    return {.max_message = 3000,
            .stream_window = 1024u << (choice & 3),
            .stream_items = (choice >> 2 & 7) + 1,
            .max_stream_window = 1024u << (choice >> 5 & 3)};
}

class Reader {
 public:
    explicit Reader(const Limits& limits) : limits_(limits), credit(input.open(limits)) {}

    bool read(std::string& item) {
        if (reading_.is_empty() && !input.take(reading_)) {
            return false;
        }
        communica::Buffer* backing_buffer = nullptr;
        item = communica::as_text(reading_.next(backing_buffer));
        if (reading_.has_to_tell()) {
            input.tell(reading_);
        }
        return true;
    }
    void check() const {
        const std::size_t window = std::max(limits_.max_stream_window, limits_.stream_window);
        fuzz::require(input.held() <= 4 * (2 * window + limits_.max_message + 300), "bounded");
    }

 private:
    Limits limits_;
    StreamReading reading_;

 public:
    StreamInput input;
    communica::wire::StreamCredit credit;
};

/// Each byte is a step.
void pass(std::string_view steps, const Limits& limits) {
    asio::io_context context;
    test::RecordingConnection connection(context);
    StreamOutput output;
    Reader reader(limits);
    output.give(reader.credit);
    std::deque<std::string> expected;
    std::size_t delivered = 0;
    std::size_t number = 0;
    std::string item;
    const auto deliver = [&] {
        const std::string body = connection.sent[delivered++].body;
        if (body == "\3") {
            reader.input.on_blocked();
        } else {
            fuzz::require(reader.input.add(std::string_view(body).substr(1), nullptr), "no item is too large");
        }
    };
    const auto give = [&] {
        if (const auto due = reader.input.due()) {
            output.give(due->credit, due->items_read);
        }
    };
    const auto read = [&] {
        if (reader.read(item)) {
            fuzz::require(!expected.empty() && item == expected.front(), "in order");
            expected.pop_front();
            return true;
        }
        return false;
    };
    for (const char step : steps) {
        const auto byte = static_cast<unsigned char>(step);
        switch (byte & 3) {
            case 0: {
                expected.push_back(std::string((byte >> 2) * (byte >> 2), static_cast<char>('a' + number++ % 26)));
                expected.back().resize(std::min<std::size_t>(expected.back().size(), limits.max_message));
                communica::Buffer bytes = StreamOutput::make_item();
                bytes.append(expected.back());
                output.add(std::move(bytes));
                break;
            }
            case 1:
                connection.capacity = byte >> 2;
                output.send(connection, "m");
                break;
            case 2:
                for (int count = byte >> 2; count != 0 && delivered != connection.sent.size(); --count) {
                    deliver();
                }
                break;
            default:
                for (int count = byte >> 2; count != 0 && read(); --count) {
                }
                give();
        }
        reader.check();
    }
    // Whatever was done, all of it arrives.
    connection.capacity = static_cast<std::size_t>(-1);
    for (int rounds = 0; !expected.empty(); ++rounds) {
        fuzz::require(rounds < 100'000, "nothing is stuck");
        output.send(connection, "m");
        while (delivered != connection.sent.size()) {
            deliver();
        }
        while (read()) {
        }
        give();
    }
}

/// Each message is as long as the byte before it says, four times.
void attack(std::string_view bytes, const Limits& limits) {
    Reader reader(limits);
    std::string item;
    try {
        while (!bytes.empty()) {
            const unsigned choice = fuzz::take_byte(bytes);
            const std::string_view message = bytes.substr(0, 4 * choice);
            bytes.remove_prefix(message.size());
            if (!reader.input.add(message, nullptr)) {
                return;
            }
            if (choice & 1) {
                while (reader.read(item)) {
                }
            }
            if (choice & 2) {
                reader.input.on_blocked();
            }
            reader.input.due();
            reader.check();
        }
        reader.input.on_finish();
    } catch (const communica::MessageError& e) {
        fuzz::require(e.code() == communica::errc::protocol_error, "a protocol error");
    }
}

}  // namespace

void fuzz_one(std::string_view input) {
    const unsigned choice = fuzz::take_byte(input);
    const Limits limits = limits_of(choice);
    choice & 0x80 ? attack(input, limits) : pass(input, limits);
}
