// One AMQP connection to a broker, shared by many channels.
#pragma once

#include "../../asio.hpp"
#include "agreement.hpp"
#include "batch.hpp"
#include "broker_notes.hpp"
#include "byte_stream.hpp"
#include "channel_end.hpp"
#include "channel_table.hpp"
#include "frames.hpp"
#include "login.hpp"
#include "url.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace communica::rabbitmq {

/// Connects to the first of the URL's hosts that accepts the login, then serves channels until the last one is gone.
/// Both sides send heartbeats. Runs on one strand. `notes` has the host to begin with.
class Link : public std::enable_shared_from_this<Link> {
 public:
    Link(asio::any_io_executor executor, asio::any_io_executor strand, Url url, Dial dial,
         std::shared_ptr<BrokerNotes> notes)
        : executor_(std::move(executor)),
          strand_(std::move(strand)),
          url_(std::move(url)),
          dial_(std::move(dial)),
          notes_(std::move(notes)),
          timer_(strand_),
          changed_(strand_, asio::steady_timer::time_point::max()) {}

    void start() {
        auto owner = [own = shared_from_this()](const std::exception_ptr&) {};  // Asio accesses `stop_` until the end
        asio::co_spawn(strand_, run(), asio::bind_cancellation_slot(stop_.slot(), std::move(owner)));
    }

    const asio::any_io_executor& strand() const noexcept { return strand_; }

    /// Can it take another channel?
    bool has_room() const noexcept {
        return !ending_ && !closing_ && !is_left_ && channels_.size() < agreed_.channel_max;
    }
    /// The broker accepts no messages for now: it is short of memory or disk.
    bool is_blocked() const noexcept { return blocked_; }
    std::uint32_t frame_max() const noexcept { return agreed_.frame_max; }
    /// The largest message that brokers of this version accept by default.
    std::size_t max_message() const noexcept { return max_message_; }

    /// Waits until the login is accepted. Throws the reason if it is not: `errc::authentication_failed`,
    /// `handshake_failed`, or the system's error.
    asio::awaitable<void> opened() {
        const auto self = shared_from_this();
        while (!open_ && !ending_) {
            co_await changed_.async_wait(no_throw);
        }
        if (ending_) {
            throw MessageError(ending_->code, ending_->text(), {});
        }
    }

    /// Registers a channel and returns its number.
    std::uint16_t add(std::shared_ptr<ChannelEnd> channel) { return channels_.add(std::move(channel)); }
    /// Throws for a channel beyond the broker's limit, which was not known when it was added.
    void require_number(std::uint16_t number) const {
        if (number > agreed_.channel_max) {
            throw MessageError(errc::busy, "RabbitMQ allows " + std::to_string(agreed_.channel_max) + " channels", {});
        }
    }
    /// A channel is closing. When all are, the broker has a second to close them.
    void on_closing() {
        if (open_ && !is_left_ && channels_.all_are_closing()) {
            is_left_ = true;
            give_up_after(std::chrono::seconds{1}, {errc::closed});
        }
    }
    /// Removes a closed channel. After the last one the link closes.
    void remove(std::uint16_t number) {
        channels_.remove(number);
        if (channels_.empty()) {
            close();
        }
    }

    /// The execution context is being destroyed: nothing runs any more.
    void forget() {
        channels_.take_all();
        forget_ready();
    }

    /// The channel has something to write.
    void wake(std::shared_ptr<ChannelEnd> channel) {
        ready_.push_back(std::move(channel));
        flush();
    }

 private:
    asio::awaitable<void> run() {
        Error why;
        const std::size_t first = notes_->first_host();
        for (std::size_t turn = 0; turn != url_.hosts.size(); ++turn) {
            const std::size_t host = (first + turn) % url_.hosts.size();
            notes_->set_first_host(host + 1);  // unless this host accepts
            try {
                why = co_await converse(url_.hosts[host]);
            } catch (...) {
                why = Error::from(std::current_exception());
            }
            if (open_ || closing_ || why.code == errc::authentication_failed) {
                break;
            }
            co_await asio::this_coro::reset_cancellation_state();  // abandoning a host may have cancelled it
        }
        timer_.cancel();
        lose(why);
    }

    /// Runs until the connection ends; returns the reason.
    asio::awaitable<Error> converse(Url::Host host) {
        given_up_.reset();
        stream_.reset();
        touched_.clear();
        in_turn_ = false;
        give_up_after(time_for_host(url_.hosts.size()),
                      {errc::timeout, "RabbitMQ at " + host.name + " does not answer"});
        stream_ = co_await dial_(std::move(host), executor_);
        FrameDecoder decoder;
        control_ = protocol_header;
        ready_.clear();
        writing_ = false;
        flush();
        std::vector<char> buffer(read_size);
        for (;;) {
            const auto [error, count] = co_await stream_->read_some(asio::buffer(buffer));
            if (error) {
                co_return ending_for(error);
            }
            ticks_unread_ = 0;
            in_turn_ = true;
            decoder.feed({buffer.data(), count}, [&](const amqp_frame_t& frame) { on_frame(decoder, frame); });
            for (const auto& channel : std::exchange(touched_, {})) {
                channel->on_turn_over();
            }
            in_turn_ = false;
            flush();
        }
    }

    Error ending_for(asio::error_code error) const {
        if (given_up_) {
            return *given_up_;
        }
        return {open_ ? errc::connection_lost : errc::handshake_failed,
                "RabbitMQ at " + url_.text() + ": " + error.message()};
    }

    // ---- receiving

    void on_frame(FrameDecoder& decoder, const amqp_frame_t& frame) {
        if (frame.frame_type == AMQP_FRAME_HEARTBEAT) {
            return;
        }
        if (frame.channel == 0) {
            if (frame.frame_type == AMQP_FRAME_METHOD) {
                on_method(decoder, frame.payload.method);
            }
            return;
        }
        const std::shared_ptr<ChannelEnd> channel = channels_.find(frame.channel);
        if (!channel) {
            return;
        }
        if (touched_.empty() || touched_.back() != channel) {
            touched_.push_back(channel);
        }
        switch (frame.frame_type) {
            case AMQP_FRAME_METHOD: return channel->on_method(frame.payload.method);
            case AMQP_FRAME_HEADER:
                return channel->on_header(
                    *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded),
                    frame.payload.properties.body_size);
            case AMQP_FRAME_BODY: return channel->on_body(text_of(frame.payload.body_fragment));
            default: return;
        }
    }

    void on_method(FrameDecoder& decoder, const amqp_method_t& method) {
        switch (method.id) {
            case AMQP_CONNECTION_START_METHOD:
                return log_in(*static_cast<const amqp_connection_start_t*>(method.decoded));
            case AMQP_CONNECTION_TUNE_METHOD:
                return agree(decoder, *static_cast<const amqp_connection_tune_t*>(method.decoded));
            case AMQP_CONNECTION_OPEN_OK_METHOD:
                open_ = true;
                notes_->set_first_host(0);
                tick();
                changed_.cancel();
                return;
            case AMQP_CONNECTION_BLOCKED_METHOD: blocked_ = true; return;
            case AMQP_CONNECTION_UNBLOCKED_METHOD:
                blocked_ = false;
                for (const auto& [number, channel] : channels_.all()) {
                    ready_.push_back(channel);
                }
                return;
            case AMQP_CONNECTION_CLOSE_METHOD: {
                const auto& close = *static_cast<const amqp_connection_close_t*>(method.decoded);
                append_method(control_, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t{});
                const errc code = open_                                     ? errc::connection_lost
                                  : close.reply_code == AMQP_ACCESS_REFUSED ? errc::authentication_failed
                                                                            : errc::handshake_failed;
                given_up_ = broker_error(code, close.reply_code, text_of(close.reply_text));
                give_up_after(std::chrono::seconds{1}, *given_up_);
                return;
            }
            case AMQP_CONNECTION_CLOSE_OK_METHOD: return give_up({errc::closed});
            default: return;
        }
    }

    void log_in(const amqp_connection_start_t& start) {
        if (text_of(start.mechanisms).find("PLAIN") == std::string_view::npos) {
            return give_up({errc::authentication_failed, "RabbitMQ does not take user and password (PLAIN)"});
        }
        max_message_ = usual_max_message(start.server_properties);
        append_login(control_, url_.user, url_.password);
    }

    void agree(FrameDecoder& decoder, const amqp_connection_tune_t& tune) {
        agreed_ = Agreement::with(tune, url_.heartbeat);
        append_method(control_, 0, AMQP_CONNECTION_TUNE_OK_METHOD,
                      amqp_connection_tune_ok_t{agreed_.channel_max, agreed_.frame_max, agreed_.heartbeat});
        append_method(control_, 0, AMQP_CONNECTION_OPEN_METHOD,
                      amqp_connection_open_t{bytes_of(url_.vhost), amqp_empty_bytes, 0});
        decoder.set_limits(agreed_.channel_max, agreed_.frame_max);
    }

    // ---- sending

    void flush() {
        if (writing_ || in_turn_ || is_gathering_ || !stream_) {
            return;
        }
        is_gathering_ = true;
        batch_.clear();
        batch_.text().append(control_);
        control_.clear();
        while (open_ && !ready_.empty() && !batch_.is_full()) {
            const auto channel = std::move(ready_.front());
            ready_.pop_front();
            if (channel->gather(batch_)) {
                ready_.push_back(channel);
            }
        }
        is_gathering_ = false;
        if (batch_.empty()) {
            return;
        }
        writing_ = true;
        ticks_unwritten_ = 0;
        stream_->write(batch_.buffers(), strand_,
                       [self = shared_from_this(), stream = stream_](asio::error_code error, std::size_t) {
                           if (self->stream_ != stream) {
                               return;  // a write to an earlier host
                           }
                           self->writing_ = false;
                           if (error) {
                               self->batch_.clear();
                               self->stream_->close();
                           } else {
                               self->flush();
                           }
                       });
    }

    // ---- the end

    /// Called when half of the heartbeat's time has passed.
    void tick() {
        if (agreed_.heartbeat == 0) {
            timer_.cancel();
            return;
        }
        timer_.expires_after(std::chrono::milliseconds{500} * agreed_.heartbeat);
        timer_.async_wait(base::WaitTask([self = shared_from_this()](asio::error_code error) {
            if (error || self->closing_ || self->is_left_ || self->given_up_) {
                return;
            }
            if (++self->ticks_unread_ > 4) {
                return self->give_up(
                    {errc::connection_lost, "RabbitMQ at " + self->url_.text() + " gives no sign of life"});
            }
            if (self->ticks_unwritten_++ != 0) {
                append_heartbeat(self->control_);
                self->flush();
            }
            self->tick();
        }));
    }

    void close() {
        if (ending_ || std::exchange(closing_, true)) {
            return;
        }
        if (!open_) {
            if (stream_) {
                stream_->close();
            }
            return stop_.emit(asio::cancellation_type::terminal);
        }
        amqp_connection_close_t close{};
        close.reply_code = AMQP_REPLY_SUCCESS;
        append_method(control_, 0, AMQP_CONNECTION_CLOSE_METHOD, close);
        give_up_after(std::chrono::seconds{1}, {errc::closed});
        flush();
    }

    void give_up_after(std::chrono::steady_clock::duration time, Error why) {
        timer_.expires_after(time);
        timer_.async_wait(base::WaitTask([self = shared_from_this(), why = std::move(why)](asio::error_code error) {
            if (!error && self->timer_.expiry() <= std::chrono::steady_clock::now()) {  // it was not set again
                self->give_up(why);
            }
        }));
    }
    void give_up(Error why) {
        if (!given_up_) {
            given_up_ = std::move(why);
        }
        if (stream_) {
            stream_->close();
        } else {
            stop_.emit(asio::cancellation_type::terminal);
        }
    }

    void lose(const Error& why) {
        ending_ = given_up_.value_or(why);
        if (stream_) {
            stream_->close();
        }
        forget_ready();
        for (const auto& [number, channel] : channels_.take_all()) {
            channel->on_lost(*ending_);
        }
        changed_.cancel();
    }

    /// Breaks the cycle between channels and their link.
    void forget_ready() {
        ready_.clear();
        touched_.clear();
        if (!writing_) {
            batch_.clear();
        }
    }

    static constexpr std::size_t read_size = 64 * 1024;

    const asio::any_io_executor executor_;
    const asio::any_io_executor strand_;
    const Url url_;
    const Dial dial_;
    const std::shared_ptr<BrokerNotes> notes_;
    std::shared_ptr<ByteStream> stream_;  // pending writes own it, too
    asio::steady_timer timer_;            // for the login, then for heartbeats, then for the patience at the end
    asio::steady_timer changed_;          // never expires: cancelled when the link is open, or has ended
    asio::cancellation_signal stop_;
    Agreement agreed_;
    std::size_t max_message_ = 0;
    int ticks_unread_ = 0;
    int ticks_unwritten_ = 0;

    ChannelTable channels_;
    std::vector<std::shared_ptr<ChannelEnd>> touched_;  // channels with frames of the current read
    std::deque<std::shared_ptr<ChannelEnd>> ready_;     // channels with something to write, in turn
    std::string control_;                               // frames of channel 0 to be written
    Batch batch_;                                       // of the pending write
    bool writing_ = false;
    bool in_turn_ = false;
    bool is_gathering_ = false;
    bool open_ = false;
    bool blocked_ = false;
    bool closing_ = false;
    bool is_left_ = false;           // all channels are closing
    std::optional<Error> given_up_;  // why this side ends the link
    std::optional<Error> ending_;    // why the link has ended
};

}  // namespace communica::rabbitmq
