// Writes the items of a stream.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "../../serializers/serializer.hpp"
#include "../spawn.hpp"
#include "stream_end.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace communica::peer {

/// An item with its serialised bytes.
template <class T>
struct EncodedItem {
    const T& item;
    Bytes bytes;
    const void* serializer;  // that made them: its `serializer_tag`
};

/// Has a different address for each type of serializer.
template <class S>
inline constexpr char serializer_tag = 0;

/// The writing half of a handle: an end of a stream, and the function that serialises an item.
template <class T>
class ItemWriter {
 public:
    using Dump = std::function<void(const T&, Buffer&)>;

    ItemWriter(std::shared_ptr<StreamEnd> end, Dump dump, const void* serializer)
        : end_(std::move(end)), dump_(std::move(dump)), serializer_(serializer) {}

    const std::shared_ptr<StreamEnd>& end() const noexcept { return end_; }

    /// Throws `SerializerError`, and the error of a write after the end. Returns whether the next write should wait.
    bool write(const T& item) const {
        Buffer bytes = StreamOutput::make_item();
        try {
            dump_(item, bytes);
        } catch (...) {
            std::rethrow_exception(Error::of_serializer(std::current_exception()).to_exception());
        }
        return write(std::move(bytes));
    }
    bool write(const EncodedItem<T>& encoded) const {
        if (encoded.serializer != serializer_) {
            return write(encoded.item);
        }
        Buffer bytes = StreamOutput::make_item();
        bytes.append(encoded.bytes);
        return write(std::move(bytes));
    }

    static asio::awaitable<void> wait(std::shared_ptr<const ItemWriter> self) {
        throw_error(co_await self->end_->async_wait(StreamEnd::For::writing));
    }
    static asio::awaitable<void> rethrow(std::exception_ptr exception) {
        if (exception) {
            std::rethrow_exception(std::move(exception));
        }
        co_return;
    }

    /// Takes the item at once, and completes when the next may be written.
    template <class Token>
    static auto write(const std::shared_ptr<const ItemWriter>& self, const T& item, Token&& token) {
        asio::awaitable<void> rest;
        try {
            rest = self->write(item) ? wait(self) : rethrow(nullptr);
        } catch (...) {
            rest = rethrow(std::current_exception());
        }
        return complete(self->end_->executor(), std::move(rest), std::forward<Token>(token));
    }

 private:
    bool write(Buffer&& bytes) const {
        const auto written = end_->write(std::move(bytes));
        if (written == StreamEnd::Written::ended) {
            std::rethrow_exception(end_->write_failure().to_exception());
        }
        return written == StreamEnd::Written::full;
    }

    std::shared_ptr<StreamEnd> end_;
    Dump dump_;
    const void* serializer_;
};

template <class T, class S>
std::shared_ptr<const ItemWriter<T>> make_item_writer(std::shared_ptr<StreamEnd> end, const S& serializer) {
    return std::make_shared<const ItemWriter<T>>(
        std::move(end), [serializer](const T& item, Buffer& out) { codec::dump_part(serializer, item, out); },
        &serializer_tag<S>);
}

}  // namespace communica::peer
