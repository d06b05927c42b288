// tap: a proxy that prints or records every message

#include "client.hpp"
#include "output.hpp"
#include "recording.hpp"

#include <communica/plain_text.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <asio/signal_set.hpp>

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace tool {

namespace {

using communica::Connection;
using communica::wire::MessageType;

/// Bytes that one side may leave unread.
constexpr std::size_t max_unread = 64 * 1024 * 1024;
/// Requests whose times are remembered.
constexpr std::size_t max_remembered = 16 * 1024;

std::string name_of(MessageType type) {
    switch (type) {
        case MessageType::request: return "request";
        case MessageType::notification: return "notification";
        case MessageType::cancel: return "cancel";
        case MessageType::goodbye: return "goodbye";
        case MessageType::resumed: return "resumed";
        case MessageType::flush: return "flush";
        case MessageType::open: return "open";
        case MessageType::inspect: return "inspect";
        case MessageType::stream_to_accepter:
        case MessageType::stream_to_opener: return "stream";
        case MessageType::ok: return "answer";
        default:
            return communica::wire::Metadata{.type = type}.is_answer()
                       ? "error"
                       : "type " + std::to_string(static_cast<int>(type));
    }
}

/// The body as it is, or, where it is no text, in hexadecimal digits.
std::string excerpt(std::string_view body, std::size_t width) {
    const bool is_text =
        std::none_of(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(std::min(width, body.size())),
                     [](char byte) { return static_cast<unsigned char>(byte) < ' '; });
    std::string text(body.substr(0, is_text ? width : width / 2));
    if (!is_text) {
        std::string digits;
        for (const char byte : text) {
            digits += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
            digits += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
        }
        text = digits;
    }
    return text + (body.size() > width ? "... " + bytes_text(static_cast<double>(body.size())) : "");
}

std::string time_of_day(std::chrono::system_clock::time_point at) {
    using namespace std::chrono;
    const hh_mm_ss time(duration_cast<microseconds>(at - floor<days>(at)));
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%06d", static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                  static_cast<int>(time.subseconds().count()));
    return text.data();
}

/// Where the messages are shown or written, after they went through: printing them before would delay them.
class Journal {
 public:
    Journal(const TapOptions& options, bool is_json)
        : width_(options.width), is_json_(is_json), began_(std::chrono::steady_clock::now()) {
        if (!options.record.empty()) {
            file_.open(options.record, std::ios::binary | std::ios::trunc);
            if (!file_) {
                throw std::system_error(communica::errc::invalid_argument, "can't write " + options.record);
            }
            file_ << recording_head() << '\n';
        }
    }

    void say_listening(const std::string& address) const {
        std::cout << (is_json_ ? json_text({{"listening", address}}) : "listening on " + address) << std::endl;
    }

    void say(std::size_t connection, const std::string& what) {
        show();
        if (file_.is_open()) {
            return;
        }
        if (is_json_) {
            std::cout << json_text(
                             {{"t", seconds_at(std::chrono::steady_clock::now())}, {"c", connection}, {"event", what}})
                      << std::endl;
        } else {
            std::cout << time_of_day(std::chrono::system_clock::now()) << ' ' << connection << "   "
                      << communica::base::without_controls(what) << std::endl;
        }
    }

    /// Remembers a message that goes through, until `show`.
    void message(std::size_t connection, bool from_client, const communica::Message& message) {
        seen_.push_back({std::chrono::steady_clock::now(), std::chrono::system_clock::now(), connection, from_client,
                         std::string(message.metadata), std::string(communica::as_text(message.body))});
    }

    /// Prints or records the messages that went through.
    void show() {
        for (const Seen& seen : seen_) {
            if (file_.is_open() || is_json_) {
                (file_.is_open() ? file_ : std::cout) << write_recorded({seconds_at(seen.at), seen.connection,
                                                                         seen.from_client, seen.metadata, seen.body})
                                                      << '\n';
            } else {
                print(seen);
            }
        }
        seen_.clear();
        file_.is_open() ? file_.flush() : std::cout.flush();
    }

    /// Forgets the requests of a connection that were not answered.
    void forget(std::size_t connection) {
        asked_.erase(asked_.lower_bound(Asked(connection, false, "")),
                     asked_.lower_bound(Asked(connection + 1, false, "")));
    }

 private:
    struct Seen {
        std::chrono::steady_clock::time_point at;
        std::chrono::system_clock::time_point time_of_day;
        std::size_t connection;
        bool from_client;
        std::string metadata;
        std::string body;
    };
    /// A request: its connection, whether the client sent it, and its id.
    using Asked = std::tuple<std::size_t, bool, std::string>;

    void print(const Seen& seen) {
        const auto metadata = reader_.read(seen.metadata);
        std::cout << time_of_day(seen.time_of_day) << ' ' << seen.connection << (seen.from_client ? " > " : " < ")
                  << padded(name_of(metadata.type), 12) << ' ';
        if (!metadata.is_answer()) {
            std::cout << communica::base::without_controls(metadata.route.value_or("")) << (metadata.route ? " " : "");
            if (metadata.wants_answer() && asked_.size() < max_remembered) {
                asked_.emplace(Asked(seen.connection, seen.from_client, metadata.id), seen.at);
            }
        } else if (const auto asked = asked_.find(Asked(seen.connection, !seen.from_client, metadata.id));
                   asked != asked_.end()) {
            std::cout << "after " << time_text(std::chrono::duration<double>(seen.at - asked->second).count()) << ' ';
            asked_.erase(asked);
        }
        std::cout << communica::base::without_controls(excerpt(seen.body, width_)) << '\n';
    }

    double seconds_at(std::chrono::steady_clock::time_point now) const {
        return std::chrono::duration<double>(now - began_).count();
    }

    const std::size_t width_;
    const bool is_json_;
    const std::chrono::steady_clock::time_point began_;
    std::ofstream file_;
    std::vector<Seen> seen_;  // of the turn at hand
    communica::wire::MetadataReader reader_;
    std::map<Asked, std::chrono::steady_clock::time_point> asked_;
};

/// Hands what comes over one connection to the other.
class Half final : public communica::Receiver {
 public:
    Half(std::shared_ptr<Connection> from, std::shared_ptr<Connection> to, Journal& journal, std::size_t number,
         bool is_client)
        : from_(std::move(from)), to_(std::move(to)), journal_(journal), number_(number), is_client_(is_client) {}

    void on_message(const communica::Message& message) override {
        communica::Buffer body;
        body.append(message.body);
        if (auto* const descriptors = communica::base::LoadingFrom::current()) {
            body.attachments() = descriptors->shared_from_this();
        }
        to_->send(communica::SendClass::response, message.metadata, body);
        journal_.message(number_, is_client_, message);
        if (to_->unread_answers() > max_unread) {
            end("the other side does not read: 64 MiB wait for it");
        }
    }
    /// `send` has posted the write, which therefore happens first.
    void end_turn() override {
        asio::post(to_->get_executor(), [&journal = journal_] { journal.show(); });
    }
    void on_discarded(std::string_view, communica::errc) override { end("a message is larger than 1 GiB"); }
    void on_room() override {}
    void on_end(communica::Error why) override {
        journal_.say(number_, (is_client_ ? "the client is gone: " : "the server is gone: ") + why.text());
        journal_.forget(number_);
        to_->close();
    }

 private:
    void end(const std::string& why) {
        journal_.say(number_, why);
        from_->abort();
        to_->abort();
    }

    std::shared_ptr<Connection> from_;
    std::shared_ptr<Connection> to_;
    Journal& journal_;
    const std::size_t number_;
    const bool is_client_;
};

bool offers_pings(const std::string& hello) {
    const auto json = nlohmann::json::parse(hello, nullptr, false);
    return json.is_object() && json.contains("communica") && json.at("communica").is_object() &&
           json.at("communica").value("extensions", nlohmann::json::array()).dump().find("\"ping\"") !=
               std::string::npos;
}

/// Whether it is the last text of a handshake. Before it, the server may ask for a proof of a key, or for types.
bool ends_handshake(const std::string& answer) {
    const auto json = nlohmann::json::parse(answer, nullptr, false);
    return json.is_object() && json.contains("hello");
}

/// Greets the server in the client's words, and answers in the server's. Both say more where they share a key, or
/// compare their contracts: they do that with each other, and the tap hands it on.
asio::awaitable<std::pair<std::string, std::string>> greet(std::shared_ptr<Connection> front,
                                                           std::shared_ptr<Connection> back, std::string first) {
    std::string hello = first;
    for (int round = 0; round != 3; ++round) {
        co_await back->write_hello(hello);
        const std::string answer = co_await back->read_hello();
        co_await front->write_hello(answer);
        if (ends_handshake(answer)) {
            co_return std::pair(first, answer);
        }
        hello = co_await front->read_hello();
    }
    throw std::system_error(communica::errc::handshake_failed, "too many hellos");
}

communica::ConnectionOptions connection_options() {
    communica::ConnectionOptions options;
    options.limits.max_message = 1024 * 1024 * 1024;
    options.limits.max_inflight_bytes_in_all = options.limits.max_message;
    options.budget = std::make_shared<communica::Budget>(options.limits.max_inflight_bytes_in_all);
    return options;
}

// The journal lives in run_tap.
// NOLINTNEXTLINE(*-reference-coroutine-parameters)
asio::awaitable<void> relay(std::shared_ptr<Connection> front, Address target, Journal& journal, std::size_t number) {
    std::shared_ptr<Connection> back;
    communica::Error failure;
    try {
        const std::string hello = co_await front->read_hello();
        journal.say(number, "a client says " + hello);
        back = co_await target.connect(front->get_executor(), connection_options());
        auto greeting = greet(front, back, hello);
        const auto [from_client, from_server] = co_await std::move(greeting);
        journal.say(number, "the server says " + from_server);
        if (offers_pings(from_client)) {
            front->start_pings();
        }
        if (offers_pings(from_server)) {
            back->start_pings();
        }
        front->start(std::make_shared<Half>(front, back, journal, number, true));
        asio::post(back->get_executor(), [front, back, &journal, number] {
            back->start(std::make_shared<Half>(back, front, journal, number, false));
        });
        co_return;
    } catch (...) {
        failure = communica::Error::from(std::current_exception());
    }
    journal.say(number, "no connection: " + failure.text());
    try {
        co_await front->refuse(failure);
    } catch (const std::exception&) {
        front->abort();
    }
    if (back) {
        back->abort();
    }
}

// NOLINTNEXTLINE(*-reference-coroutine-parameters)
asio::awaitable<int> tap(Address front, Address target, Journal& journal) {
    const auto executor = co_await asio::this_coro::executor;
    const auto listener = co_await front.listen(executor, connection_options());
    journal.say_listening(listener->address());
    for (std::size_t number = 1;; ++number) {
        auto connection = co_await listener->accept();
        if (connection) {
            asio::co_spawn(connection->get_executor(), relay(connection, target, journal, number), asio::detached);
        }
    }
}

}  // namespace

int run_tap(const Common& common, const TapOptions& options) {
    Journal journal(options, common.json);
    asio::io_context context;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](asio::error_code, int) { context.stop(); });
    std::exception_ptr failure;
    asio::co_spawn(
        context,
        tap(parse_address(options.front, common.access), parse_address(options.target, common.access), journal),
        [&](std::exception_ptr e, int) {
            failure = std::move(e);
            context.stop();
        });
    context.run();
    journal.show();
    if (failure) {
        std::rethrow_exception(failure);
    }
    return succeeded;
}

}  // namespace tool
