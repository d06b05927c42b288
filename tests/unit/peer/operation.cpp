#include "support/catch.hpp"

#include <communica/peer/operation.hpp>
#include <communica/serializers/bytes.hpp>

#include <asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace operation_tests {

namespace {

using communica::BytesSerializer;
using communica::peer::Completions;

/// What a handler's allocator did, and what the handler was called with.
struct Seen {
    int allocated = 0;
    int freed = 0;
    int freed_when_called = -1;
    std::optional<std::string> value;
    std::exception_ptr error;
};

template <class T>
struct CountingAllocator {
    using value_type = T;

    explicit CountingAllocator(Seen& to) : seen(&to) {}
    template <class U>
    explicit CountingAllocator(const CountingAllocator<U>& other) : seen(other.seen) {}

    T* allocate(std::size_t count) {
        ++seen->allocated;
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T* memory, std::size_t count) {
        ++seen->freed;
        std::allocator<T>().deallocate(memory, count);
    }
    bool operator==(const CountingAllocator&) const = default;

    Seen* seen;
};

struct Handler {
    void operator()(std::exception_ptr error, std::string value) const {
        seen->freed_when_called = seen->freed;
        seen->error = std::move(error);
        seen->value = std::move(value);
    }
    Seen* seen;
};

struct HandlerWithAllocator : Handler {
    using allocator_type = CountingAllocator<void>;
    allocator_type get_allocator() const noexcept { return allocator_type(*seen); }
};

template <class H>
communica::peer::OperationPtr make(H handler, const asio::any_io_executor& executor) {
    using Completion = communica::peer::ExceptionCompletion<std::string>;
    return communica::peer::RequestOperation<std::string, Completion, BytesSerializer, H>::make(handler, {}, executor);
}

}  // namespace

TEST_CASE("an operation lives in its handler's own memory, which is free when the handler is called") {
    asio::io_context context;
    const auto completions = std::make_shared<Completions>(context.get_executor());
    for (Completions* const to : {completions.get(), static_cast<Completions*>(nullptr)}) {
        Seen seen;
        auto operation = make(HandlerWithAllocator{{&seen}}, context.get_executor());
        CHECK(seen.allocated == 1);
        operation.release()->succeed({communica::as_bytes("answer")}, to);
        CHECK_FALSE(seen.value);
        context.restart();
        context.run();
        CHECK(seen.value == "answer");
        CHECK_FALSE(seen.error);
        CHECK(seen.freed_when_called == seen.allocated);
    }
}

TEST_CASE("an operation that is posted when its io_context is destroyed is freed uncalled") {
    Seen seen;
    {
        asio::io_context context;
        for (const asio::any_io_executor& executor :
             {asio::any_io_executor(context.get_executor()), asio::any_io_executor(asio::make_strand(context))}) {
            make(HandlerWithAllocator{{&seen}}, executor).release()->succeed({}, nullptr);
        }
        CHECK(seen.freed == 0);
    }
    CHECK(seen.allocated == 2);
    CHECK(seen.freed == 2);
    CHECK(seen.freed_when_called == -1);
}

TEST_CASE("an operation that is never completed is freed uncalled") {
    asio::io_context context;
    Seen seen;
    make(HandlerWithAllocator{{&seen}}, context.get_executor()).reset();
    CHECK(seen.allocated == 1);
    CHECK(seen.freed == 1);
    CHECK(seen.freed_when_called == -1);
}

TEST_CASE("a request is prepared with nothing in it") {
    asio::io_context context;
    const auto requester = std::make_shared<communica::peer::Requester>(context.get_executor(), 1);
    const auto request = communica::peer::prepare(requester, nullptr);
    CHECK(request->requester == requester);
    CHECK_FALSE(request->source);
    CHECK(request->outgoing.body.empty());
    CHECK(request->outgoing.quoted_route.empty());
    CHECK(request->outgoing.headers.empty());
    CHECK_FALSE(request->outgoing.timeout);
    CHECK(request->outgoing.wait_for_connection);
    CHECK_FALSE(request->outgoing.idempotent);
    CHECK_FALSE(request->error);
}

}  // namespace operation_tests
