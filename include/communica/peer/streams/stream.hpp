// The handles of streams: what `open` gives, and what handlers are given.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "complete.hpp"
#include "generator.hpp"
#include "reader.hpp"
#include "writer.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica {

namespace peer {

struct StreamAccess;

/// Cancels a stream that this side has opened when its handle goes.
class OpenedStream {
 public:
    OpenedStream() = default;
    explicit OpenedStream(std::shared_ptr<StreamEnd> end) : end_(std::move(end)) {}
    OpenedStream(OpenedStream&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
    OpenedStream& operator=(OpenedStream&& other) noexcept {
        std::swap(end_, other.end_);
        return *this;
    }
    ~OpenedStream() {  // NOLINT(bugprone-exception-escape): without memory there is no way on
        if (end_) {
            end_->cancel(
                {.code = errc::closed, .message = "nobody reads the stream any more", .kind = Error::Kind::requester});
        }
    }

 private:
    std::shared_ptr<StreamEnd> end_;
};

/// Throws where a handle was moved from, or never had a stream.
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

}  // namespace peer

/// Items that come one after another, as many as there are. In a `Route` it stands for the result, or, as the last parameter, for
/// what the asking side sends. It is what `open` completes with, and what such a handler takes.
///
/// A handler that returns a `Stream<T>` may be a coroutine, which yields the items (`co_yield`) and awaits what it likes:
///
///     communica::Stream<int> count_to(int last) {
///         for (int number = 1; number <= last; ++number) co_yield number;
///     }
///
/// Movable. Distinct streams are thread-safe, one is for one reader at a time. A stream that was opened on this side and is
/// destroyed is cancelled.
template <class T>
class [[nodiscard]] Stream {
 public:
    using value_type = T;
    using promise_type = peer::GeneratorPromise<T>;

    /// One without items.
    Stream() = default;

    /// Completes with the next item, and with nothing at the end. Throws what the stream has failed with: what the other side's
    /// handler threw, or cancelled it with; `errc::connection_lost` and `errc::closed` behind the last item that came.
    /// `SerializerError` for an item that is no `T`: the next one can be read. Signature `void(std::exception_ptr,
    /// std::optional<T>)`. Cancelled, no item is lost.
    template <class Token = default_token>
    auto next(Token&& token = {}) {
        return peer::complete(executor(), next_or_end(), std::forward<Token>(token));
    }

    /// The same with a `Result<std::optional<T>>`, which does not throw.
    template <class Token = default_token>
    auto try_next(Token&& token = {}) {
        return peer::complete(executor(), try_next_or_end(), std::forward<Token>(token));
    }

    /// Not wanted any more: the other side's coroutine sees this reason, as a `RequesterError` if this side has opened the
    /// stream and as a `ResponderError` otherwise. Any thread.
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

/// The writing face of a stream.
template <class T>
class WritesItems {
 public:
    /// Takes an item at once, and completes when the next may be written: while the other side's reader is behind, it waits.
    /// Throws `SerializerError` and `errc::message_too_large`, and nothing but the item is lost; what the stream has failed
    /// with; `errc::closed` where the other side has ended it in order. Signature `void(std::exception_ptr)`. Cancelled, the
    /// item is sent all the same. Thread-safe.
    template <class Token = default_token>
    auto write(const T& item, Token&& token = {}) {
        require_stream(writer_ != nullptr);
        return ItemWriter<T>::write(writer_, item, std::forward<Token>(token));
    }

    /// Items that the other side's reader has read. It says so now and then, so some more may be.
    std::uint64_t acknowledged() const { return end().acknowledged(); }

    /// As that of a `Stream`.
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
    std::shared_ptr<const ItemWriter<T>> writer_;
};

}  // namespace peer

/// Sends items: for a handler that is no generator. Copies are the same writer. Thread-safe.
template <class T>
class StreamWriter : public peer::WritesItems<T> {
 public:
    using value_type = T;

 private:
    friend peer::StreamAccess;
    using peer::WritesItems<T>::WritesItems;
};

/// Many items to the other side, and one answer: what `open` gives for a `Route<R(..., Stream<T>)>`. Movable; destroyed before
/// `finish` it is cancelled.
template <class T, class R>
class [[nodiscard]] Upload : public peer::WritesItems<T> {
 public:
    Upload() = default;

    /// Ends the items, and completes with the answer, also one that the other side has given before the end of them. Throws as
    /// a request does. Signature `void(std::exception_ptr, R)`.
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
                co_await end->async_wait(peer::StreamEnd::For::reading, asio::use_awaitable);
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

/// Items both ways: what `open` gives for a `Route<Stream<In>(..., Stream<Out>)>`. Movable; destroyed it is cancelled.
template <class In, class Out>
class [[nodiscard]] Duplex : public peer::WritesItems<Out> {
 public:
    Duplex() = default;

    /// As that of a `Stream`. One may write while another reads.
    template <class Token = default_token>
    auto next(Token&& token = {}) {
        return in_.next(std::forward<Token>(token));
    }
    /// As `next`, with the error as a value.
    template <class Token = default_token>
    auto try_next(Token&& token = {}) {
        return in_.try_next(std::forward<Token>(token));
    }

    /// No more items from this side; the other side's go on.
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

/// How the library makes handles, and looks into them.
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
                            return load_from<R>(serializer, bytes, nullptr);
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
