// Requests over connections that fail, each watched: it has to end once, in time, with the right value or an error that
// docs/requests.md promises.
#pragma once

#include "run.hpp"

#include <communica/communica.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

namespace test {

class WatchedRequests {
 public:
    /// How late after its deadline a request may end: machines are busy.
    static constexpr std::chrono::seconds lateness{15};

    /// Has `asker`'s other side echo a text of its own, `size` bytes long. `then()` is called when it has ended.
    template <class Asker, class Then>
    void echo(Asker& asker, std::size_t size, communica::RequestOptions options, Then then) {
        std::string text = std::to_string(++asked);
        text.resize(std::max(size, text.size()), 'x');
        watch<std::string>(asker, "echo", text, text, options, {}, std::move(then));
    }

    /// One that may be cancelled by `slot`.
    template <class Reply, class Asker, class Value, class Then>
    void ask(Asker& asker, std::string_view route, const Value& value, const Reply& expected,
             communica::RequestOptions options, asio::cancellation_slot slot, Then then) {
        ++asked;
        watch<Reply>(asker, route, value, expected, options, slot, std::move(then));
    }

    bool all_ended() const { return ended == asked; }
    int failed() const { return ended - right; }

    int asked = 0;
    int ended = 0;
    int right = 0;
    int wrong = 0;       ///< a value other than the right one
    int unpromised = 0;  ///< an error that nobody promised
    int twice = 0;       ///< completed again
    int late = 0;
    std::map<std::string, int> errors = {};

    friend std::ostream& operator<<(std::ostream& out, const WatchedRequests& requests) {
        out << requests.asked << " asked, " << requests.ended << " ended, " << requests.right << " right";
        for (const auto& [error, count] : requests.errors) {
            out << ", " << count << " " << error;
        }
        return out;
    }

 private:
    template <class Reply, class Asker, class Value, class Then>
    void watch(Asker& asker, std::string_view route, const Value& value, const Reply& expected,
               communica::RequestOptions options, asio::cancellation_slot slot, Then then) {
        const auto latest = communica::peer::Clock::now() + options.timeout.value_or(std::chrono::hours{1}) + lateness;
        auto done = [this, expected, latest, has_ended = std::make_shared<bool>(false), then = std::move(then)](
                        std::exception_ptr failure, Reply answer) mutable {
            if (std::exchange(*has_ended, true)) {
                ++twice;
                return;
            }
            ++ended;
            late += communica::peer::Clock::now() > latest ? 1 : 0;
            if (failure) {
                note(communica::Error::from(failure));
            } else {
                ++(answer == expected ? right : wrong);
            }
            then();
        };
        if (slot.is_connected()) {
            asker.template request<Reply>(route, value, options, asio::bind_cancellation_slot(slot, std::move(done)));
        } else {
            asker.template request<Reply>(route, value, options, std::move(done));
        }
    }

    void note(const communica::Error& error) {
        using communica::errc;
        static const std::vector<std::error_code> promised{errc::closed,
                                                           errc::timeout,
                                                           errc::connection_lost,
                                                           errc::not_connected,
                                                           errc::message_too_large,
                                                           errc::requester_error,
                                                           errc::responder_error,
                                                           errc::serializer_error,
                                                           errc::unknown_error,
                                                           errc::busy,
                                                           errc::draining,
                                                           make_error_code(asio::error::operation_aborted)};
        unpromised += std::find(promised.begin(), promised.end(), error.code) == promised.end() ? 1 : 0;
        ++errors[error.code.message()];
    }
};

/// Nothing went wrong that may not.
#define CHECK_WATCHED(requests)            \
    do {                                   \
        INFO(requests);                    \
        CHECK((requests).all_ended());     \
        CHECK((requests).wrong == 0);      \
        CHECK((requests).unpromised == 0); \
        CHECK((requests).twice == 0);      \
        CHECK((requests).late == 0);       \
    } while (false)

}  // namespace test
