// Writes the items of a stream.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "../../serializers/serializer.hpp"
#include "../spawn.hpp"
#include "stream_end.hpp"

#include <exception>
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

/// The writing half of a handle: an end of a stream, and how an item is serialised.
template <class T>
class ItemWriter {
 public:
    ItemWriter(const ItemWriter&) = delete;
    ItemWriter& operator=(const ItemWriter&) = delete;

    const std::shared_ptr<StreamEnd>& end() const noexcept { return end_; }

    /// Throws `SerializerError`, and the error of a write after the end. Returns whether the next write should wait.
    bool write(const T& item) const {
        Buffer bytes = StreamOutput::make_item();
        try {
            dump(item, bytes);
        } catch (...) {
            std::rethrow_exception(Error::of_serializer(std::current_exception()).to_exception());
        }
        return write(std::move(bytes));
    }
    bool write(const EncodedItem<T>& encoded) const {
        if (encoded.serializer != tag()) {
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

 protected:
    explicit ItemWriter(std::shared_ptr<StreamEnd> end) noexcept : end_(std::move(end)) {}
    ~ItemWriter() = default;

 private:
    virtual void dump(const T& item, Buffer& out) const = 0;
    /// The `serializer_tag` of the serializer.
    virtual const void* tag() const noexcept = 0;

    bool write(Buffer&& bytes) const {
        const auto written = end_->write(std::move(bytes));
        if (written == StreamEnd::Written::ended) {
            std::rethrow_exception(end_->write_failure().to_exception());
        }
        return written == StreamEnd::Written::full;
    }

    std::shared_ptr<StreamEnd> end_;
};

template <class T, class S>
class TypedItemWriter final : public ItemWriter<T> {
 public:
    TypedItemWriter(std::shared_ptr<StreamEnd> end, const S& serializer)
        : ItemWriter<T>(std::move(end)), serializer_(serializer) {}

 private:
    void dump(const T& item, Buffer& out) const override { codec::dump_part(serializer_, item, out); }
    const void* tag() const noexcept override { return &serializer_tag<S>; }

    [[no_unique_address]] S serializer_;
};

template <class T, class S>
std::shared_ptr<const ItemWriter<T>> make_item_writer(std::shared_ptr<StreamEnd> end, const S& serializer) {
    return std::make_shared<const TypedItemWriter<T, S>>(std::move(end), serializer);
}

}  // namespace communica::peer
