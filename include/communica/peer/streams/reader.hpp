// Reads the items of a stream: each is loaded when it is asked for.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "../../serializers/codec/allowance.hpp"
#include "../../serializers/serializer.hpp"
#include "stream_end.hpp"

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace communica::peer {

/// The reading half of a handle: an end of a stream, and the function that loads an item.
template <class T>
class ItemReader {
 public:
    using Item = std::optional<T>;
    using Load = std::function<T(Bytes, Buffer*)>;

    ItemReader(std::shared_ptr<StreamEnd> end, Load load) : end_(std::move(end)), load_(std::move(load)) {}

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
            return Result<Item>(Item(load_(bytes, backing_buffer)));
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

 private:
    std::shared_ptr<StreamEnd> end_;
    Load load_;
};

/// `max_loaded`: bytes that the value of an item may allocate.
template <class T, class S>
std::shared_ptr<const ItemReader<T>> make_item_reader(std::shared_ptr<StreamEnd> end, const S& serializer,
                                                      std::size_t max_loaded) {
    return std::make_shared<const ItemReader<T>>(std::move(end),
                                                 [serializer, max_loaded](Bytes item, Buffer* backing_buffer) {
                                                     const codec::Allowance allowance(max_loaded);
                                                     return codec::load_from<T>(serializer, item, backing_buffer);
                                                 });
}

}  // namespace communica::peer
