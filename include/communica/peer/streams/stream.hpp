// The handles of streams: the results of `open`, and the arguments of handlers.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "../spawn.hpp"
#include "generator.hpp"
#include "reader.hpp"
#include "writer.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica {

namespace peer {

struct StreamAccess;

/// Cancels a stream that this side has opened when its handle is destroyed.
class OpenedStream {
 public:
    OpenedStream() = default;
    explicit OpenedStream(std::shared_ptr<StreamEnd> end) : end_(std::move(end)) {}
    OpenedStream(OpenedStream&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
    OpenedStream& operator=(OpenedStream&& other) noexcept {
        std::swap(end_, other.end_);
        return *this;
    }
    ~OpenedStream() {  // NOLINT(bugprone-exception-escape): out of memory terminates
        if (end_) {
            end_->cancel(
                {.code = errc::closed, .message = "nobody reads the stream any more", .kind = Error::Kind::requester});
        }
    }

 private:
    std::shared_ptr<StreamEnd> end_;
};

/// Throws `errc::closed` if a handle was moved from, or never had a stream.
inline void require_stream(bool has_one) {
    if (!has_one) {
        throw MessageError(errc::closed, "a handle without a stream", {});
    }
}

inline void cancel_stream(StreamEnd& end, std::string reason, std::optional<std::int64_t> status) {
    const bool opens = end.role() == StreamEnd::Role::opener;
    end.close({errc::closed, "the stream was cancelled on this side"},
              {.code = opens ? errc::requester_error : errc::responder_error,
               .message = std::move(reason),
               .status = status,
               .kind = opens ? Error::Kind::requester : Error::Kind::responder});
}

/// The deadlines of a stream, for its handles.
template <class Derived>
class HasDeadlines {
 public:
    /// Ends the stream this long from now, unless it has ended before. Both sides get `errc::timeout`. Replaces an
    /// earlier limit; `duration::max()` removes it. Thread-safe.
    void set_time_limit(std::chrono::steady_clock::duration time) const {
        if (const auto timer = timer_of()) {
            timer->set_whole(time);
        }
    }
    /// Ends the stream once no item was sent or received for this long, whoever causes it: a writer with nothing to
    /// write, or a reader that does not read. Otherwise as `set_time_limit`.
    void set_idle_limit(std::chrono::steady_clock::duration time) const {
        if (const auto timer = timer_of()) {
            timer->set_idle(time);
        }
    }

 private:
    friend Derived;
    HasDeadlines() = default;

    std::shared_ptr<StreamTimer> timer_of() const {
        const std::shared_ptr<StreamEnd> end = static_cast<const Derived&>(*this).deadline_end();
        return end ? end->timer() : nullptr;
    }
};

}  // namespace peer

/// Any number of items, one after another. In a `Route`, it is the result type or, as the last parameter, the
/// requester's items. `open` completes with it, and handlers take it as an argument.
///
/// A handler that returns a `Stream<T>` may be a coroutine, which yields the items (`co_yield`) and may await any
/// `asio::awaitable`:
///
///     communica::Stream<int> count_to(int last) {
///         for (int number = 1; number <= last; ++number) co_yield number;
///     }
///
/// Movable. Distinct streams are thread-safe; a stream has one reader at a time. Destroying a stream that this side has
/// opened cancels it.
template <class T>
class [[nodiscard]] Stream : public peer::HasDeadlines<Stream<T>> {
 public:
    using value_type = T;
    using promise_type = peer::GeneratorPromise<T>;

    /// A stream without items.
    Stream() = default;

    /// Reads the next item.
    /// Completes with: `void(std::exception_ptr, std::optional<T>)`, without a value at the end.
    /// Executor: the token's, by default the connection's. One reader at a time.
    /// Cancellation: no item is lost.
    /// Errors: the exception of the peer's handler, or the error with which the peer has cancelled;
    /// `errc::connection_lost` and `errc::closed` after the last item that arrived; `SerializerError` for an item that
    /// is not a `T`, after which the next one can be read.
    template <class Token = default_token>
    auto next(Token&& token = {}) {
        return peer::complete(executor(), next_or_end(), std::forward<Token>(token));
    }

    /// As `next`, with a `Result<std::optional<T>>`. Does not throw.
    template <class Token = default_token>
    auto try_next(Token&& token = {}) {
        return peer::complete(executor(), try_next_or_end(), std::forward<Token>(token));
    }

    /// Cancels the stream. The peer's coroutine gets the reason as a `RequesterError` if this side has opened the
    /// stream, otherwise as a `ResponderError`. Thread-safe.
    void cancel(std::string reason = "cancelled", std::optional<std::int64_t> status = {}) {
        if (reader_) {
            peer::cancel_stream(*reader_->end(), std::move(reason), status);
        }
    }

 private:
    friend peer::StreamAccess;
    friend promise_type;

    explicit Stream(peer::Generator<T> generator) : generator_(std::move(generator)) {}
    Stream(std::shared_ptr<const peer::ItemReader<T>> reader, bool is_opened)
        : reader_(std::move(reader)), opened_(is_opened ? reader_->end() : nullptr) {}

    friend peer::HasDeadlines<Stream<T>>;
    std::shared_ptr<peer::StreamEnd> deadline_end() const { return reader_ ? reader_->end() : nullptr; }
    asio::any_io_executor executor() const { return reader_ ? reader_->end()->executor() : asio::any_io_executor(); }

    asio::awaitable<std::optional<T>> next_or_end() {
        return reader_ ? peer::ItemReader<T>::next(reader_) : nothing<std::optional<T>>();
    }
    asio::awaitable<Result<std::optional<T>>> try_next_or_end() {
        return reader_ ? peer::ItemReader<T>::try_next(reader_) : nothing<Result<std::optional<T>>>();
    }
    template <class Nothing>
    static asio::awaitable<Nothing> nothing() {
        co_return Nothing();
    }

    std::shared_ptr<const peer::ItemReader<T>> reader_;
    peer::OpenedStream opened_;
    peer::Generator<T> generator_;
};

namespace peer {

/// The writing half of a stream.
template <class T>
class WritesItems : public HasDeadlines<WritesItems<T>> {
 public:
    /// Takes an item at once, and completes when the next may be written. It waits while the peer's reader is behind.
    /// Completes with: `void(std::exception_ptr)`.
    /// Executor: the token's, by default the connection's. Thread-safe.
    /// Cancellation: the item is sent all the same.
    /// Errors: `SerializerError` and `errc::message_too_large`, which lose only the item; the error that the stream has
    /// failed with; `errc::closed` if the peer has ended the stream in order.
    template <class Token = default_token>
    auto write(const T& item, Token&& token = {}) {
        require_stream(writer_ != nullptr);
        return ItemWriter<T>::write(writer_, item, std::forward<Token>(token));
    }

    /// The number of items that the peer's reader has read. The peer reports it from time to time, so it may have read
    /// more.
    std::uint64_t acknowledged() const { return end().acknowledged(); }

    /// As `Stream::cancel`.
    void cancel(std::string reason = "cancelled", std::optional<std::int64_t> status = {}) {
        if (writer_) {
            cancel_stream(end(), std::move(reason), status);
        }
    }

 protected:
    WritesItems() = default;
    explicit WritesItems(std::shared_ptr<const ItemWriter<T>> writer) : writer_(std::move(writer)) {}

    StreamEnd& end() const {
        require_stream(writer_ != nullptr);
        return *writer_->end();
    }

 private:
    friend HasDeadlines<WritesItems<T>>;
    std::shared_ptr<StreamEnd> deadline_end() const { return writer_ ? writer_->end() : nullptr; }

    std::shared_ptr<const ItemWriter<T>> writer_;
};

}  // namespace peer

/// Sends items, in a handler that is not a generator. Copies are the same writer. Thread-safe.
template <class T>
class StreamWriter : public peer::WritesItems<T> {
 public:
    using value_type = T;

 private:
    friend peer::StreamAccess;
    using peer::WritesItems<T>::WritesItems;
};

/// Many items to the peer, and one answer: the result of `open` for a `Route<R(..., Stream<T>)>`. Movable. Destroying
/// it before `finish` cancels it.
template <class T, class R>
class [[nodiscard]] Upload : public peer::WritesItems<T> {
 public:
    Upload() = default;

    /// Ends the items, and waits for the answer. The peer may have answered before.
    /// Completes with: `void(std::exception_ptr, R)`.
    /// Executor: the token's, by default the connection's.
    /// Cancellation: ends the wait; the upload remains.
    /// Errors: as of `request`.
    template <class Token = default_token>
    auto finish(Token&& token = {}) {
        const auto end = this->end().shared_from_this();
        end->finish();
        return peer::complete(end->executor(), answer_of(end, load_), std::forward<Token>(token));
    }

 private:
    friend peer::StreamAccess;
    using Load = std::function<R(Bytes)>;

    Upload(std::shared_ptr<const peer::ItemWriter<T>> writer, Load load)
        : peer::WritesItems<T>(std::move(writer)), load_(std::move(load)), opened_(this->end().shared_from_this()) {}

    static asio::awaitable<R> answer_of(std::shared_ptr<peer::StreamEnd> end, Load load) {
        for (;;) {
            Bytes item;
            Buffer* backing_buffer = nullptr;
            const auto read = end->read(item, backing_buffer);
            if (read == peer::StreamEnd::Read::end) {
                break;
            }
            if (read == peer::StreamEnd::Read::nothing_yet) {
                throw_error(co_await end->async_wait(peer::StreamEnd::For::reading));
            }
        }
        if (const auto failure = end->failure()) {
            std::rethrow_exception(failure->to_exception());
        }
        co_return load(end->result());
    }

    Load load_;
    peer::OpenedStream opened_;
};

/// Items in both directions: the result of `open` for a `Route<Stream<In>(..., Stream<Out>)>`. Movable. Destroying it
/// cancels it.
template <class In, class Out>
class [[nodiscard]] Duplex : public peer::WritesItems<Out> {
 public:
    Duplex() = default;

    /// As `Stream::next`. Reading and writing may overlap.
    template <class Token = default_token>
    auto next(Token&& token = {}) {
        return in_.next(std::forward<Token>(token));
    }
    /// As `Stream::try_next`.
    template <class Token = default_token>
    auto try_next(Token&& token = {}) {
        return in_.try_next(std::forward<Token>(token));
    }

    /// Ends the items of this side. The peer's continue.
    void finish() { this->end().finish(); }

 private:
    friend peer::StreamAccess;

    Duplex(Stream<In> in, std::shared_ptr<const peer::ItemWriter<Out>> out)
        : peer::WritesItems<Out>(std::move(out)), in_(std::move(in)) {}

    Stream<In> in_;
};

namespace peer {

template <class T>
Stream<T> GeneratorPromise<T>::get_return_object() {
    return Stream<T>(Generator<T>(*this));
}

/// Gives the library access to the handles.
struct StreamAccess {
    template <class T, class S>
    static Stream<T> reader(std::shared_ptr<StreamEnd> end, const S& serializer, std::size_t max_loaded) {
        const bool is_opened = end->role() == StreamEnd::Role::opener;
        return {make_item_reader<T>(std::move(end), serializer, max_loaded), is_opened};
    }
    template <class T, class S>
    static StreamWriter<T> writer(std::shared_ptr<StreamEnd> end, const S& serializer) {
        return StreamWriter<T>(make_item_writer<T>(std::move(end), serializer));
    }
    template <class T, class R, class S>
    static Upload<T, R> upload(std::shared_ptr<StreamEnd> end, const S& serializer, std::size_t max_loaded) {
        return {make_item_writer<T>(std::move(end), serializer), [serializer, max_loaded](Bytes bytes) {
                    if constexpr (std::is_void_v<R>) {
                        (void)bytes;
                    } else {
                        const codec::Allowance allowance(max_loaded);
                        try {
                            return codec::load_from<R>(serializer, bytes, nullptr);
                        } catch (...) {
                            std::rethrow_exception(Error::of_serializer(std::current_exception()).to_exception());
                        }
                    }
                }};
    }
    template <class In, class Out, class S>
    static Duplex<In, Out> duplex(std::shared_ptr<StreamEnd> end, const S& serializer, std::size_t max_loaded) {
        auto out = make_item_writer<Out>(end, serializer);
        return {reader<In>(std::move(end), serializer, max_loaded), std::move(out)};
    }
    template <class T>
    static Generator<T> generator(Stream<T>&& stream) {
        return std::move(stream.generator_);
    }
};

}  // namespace peer

}  // namespace communica
