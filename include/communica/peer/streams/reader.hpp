// Reads the items of a stream: each is loaded when it is asked for.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "../../serializers/codec/allowance.hpp"
#include "../../serializers/serializer.hpp"
#include "stream_end.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace communica::peer {

/// The reading half of a handle: an end of a stream, and how an item is loaded.
template <class T>
class ItemReader {
 public:
    using Item = std::optional<T>;

    ItemReader(const ItemReader&) = delete;
    ItemReader& operator=(const ItemReader&) = delete;

    const std::shared_ptr<StreamEnd>& end() const noexcept { return end_; }

    /// Returns the next item, or an empty one at the end; no result if no item has arrived.
    std::optional<Result<Item>> take() const {
        Bytes bytes;
        Buffer* backing_buffer = nullptr;
        switch (end_->read(bytes, backing_buffer)) {
            case StreamEnd::Read::nothing_yet: return std::nullopt;
            case StreamEnd::Read::end:
                if (auto failure = end_->failure()) {
                    return Result<Item>(*std::move(failure));
                }
                return Result<Item>(Item());
            case StreamEnd::Read::item: break;
        }
        try {
            return Result<Item>(Item(load(bytes, backing_buffer)));
        } catch (...) {
            return Result<Item>(Error::of_serializer(std::current_exception()));
        }
    }

    static asio::awaitable<Result<Item>> try_next(std::shared_ptr<const ItemReader> self) {
        for (;;) {
            if (auto taken = self->take()) {
                co_return *std::move(taken);
            }
            const auto [error] = co_await self->end_->async_wait(StreamEnd::For::reading);
            if (error) {
                co_return Error{error, error.message()};
            }
        }
    }
    static asio::awaitable<Item> next(std::shared_ptr<const ItemReader> self) {
        for (;;) {
            if (auto taken = self->take()) {
                co_return std::move(*taken).value();
            }
            throw_error(co_await self->end_->async_wait(StreamEnd::For::reading));
        }
    }

 protected:
    explicit ItemReader(std::shared_ptr<StreamEnd> end) noexcept : end_(std::move(end)) {}
    ~ItemReader() = default;

 private:
    virtual T load(Bytes item, Buffer* backing_buffer) const = 0;

    std::shared_ptr<StreamEnd> end_;
};

template <class T, class S>
class TypedItemReader final : public ItemReader<T> {
 public:
    TypedItemReader(std::shared_ptr<StreamEnd> end, const S& serializer, std::size_t max_loaded)
        : ItemReader<T>(std::move(end)), max_loaded_(max_loaded), serializer_(serializer) {}

 private:
    T load(Bytes item, Buffer* backing_buffer) const override {
        const codec::Allowance allowance(max_loaded_);
        return codec::load_from<T>(serializer_, item, backing_buffer);
    }

    std::size_t max_loaded_;
    [[no_unique_address]] S serializer_;
};

/// `max_loaded`: bytes that the value of an item may allocate.
template <class T, class S>
std::shared_ptr<const ItemReader<T>> make_item_reader(std::shared_ptr<StreamEnd> end, const S& serializer,
                                                      std::size_t max_loaded) {
    return std::make_shared<const TypedItemReader<T, S>>(std::move(end), serializer, max_loaded);
}

}  // namespace communica::peer
