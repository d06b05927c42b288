#include "support/catch.hpp"

#include <communica/peer/submission.hpp>

#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace submission_tests {

namespace {

using communica::peer::CompletionMode;
using communica::peer::Submission;
using communica::peer::SubmissionAllocator;
using communica::peer::SubmissionPtr;

struct Recorded final : Submission {
    explicit Recorded(std::vector<std::string>& to, bool throws = false) : seen(to), is_throwing(throws) {}
    void complete() override {
        seen.emplace_back("completed");
        const bool throws = is_throwing;
        delete this;
        if (throws) {
            throw std::runtime_error("of the handler");
        }
    }
    void destroy() noexcept override {
        seen.emplace_back("destroyed");
        delete this;
    }

    std::vector<std::string>& seen;
    bool is_throwing;
};

using Seen = std::vector<std::string>;

}  // namespace

TEST_CASE("an operation is allocated in the submission, the rest elsewhere") {
    Seen seen;
    SubmissionPtr submission(new Recorded(seen));
    SubmissionAllocator<std::byte> allocator(*submission);
    std::byte* const operation = allocator.allocate(40);
    std::byte* const turn = allocator.allocate(64);
    CHECK(operation == submission->own_memory());
    CHECK(turn != submission->own_memory());
    allocator.deallocate(operation, 40);
    submission.reset();
    allocator.deallocate(turn, 64);  // a destroyed context frees it last
}

TEST_CASE("only a strand on an io_context has a turn") {
    asio::io_context context;
    CHECK(communica::peer::turn_for(asio::make_strand(context)) != nullptr);
    CHECK(communica::peer::turn_for(context.get_executor()) == nullptr);
}

TEST_CASE("a submission is completed on every kind of executor, and never at once if it is posted") {
    asio::io_context context;
    const std::vector<asio::any_io_executor> executors = {
        context.get_executor(), asio::make_strand(context),
        asio::make_strand(asio::any_io_executor(context.get_executor()))};
    for (const auto& executor : executors) {
        for (const auto mode : {CompletionMode::dispatch, CompletionMode::post}) {
            Seen seen;
            asio::post(executor, [&] {
                submit(executor, SubmissionPtr(new Recorded(seen)), mode);
                CHECK(seen.empty() == (mode == CompletionMode::post));
            });
            context.restart();
            context.run();
            CHECK(seen == Seen{"completed"});
        }
    }
}

TEST_CASE("an exception of a submission that is dispatched leaves the executor's run") {
    asio::io_context context;
    for (const asio::any_io_executor& executor :
         {asio::any_io_executor(context.get_executor()), asio::any_io_executor(asio::make_strand(context))}) {
        Seen seen;
        submit(executor, SubmissionPtr(new Recorded(seen, true)), CompletionMode::dispatch);
        context.restart();
        CHECK_THROWS_AS(context.run(), std::runtime_error);
        CHECK(seen == Seen{"completed"});
    }
}

TEST_CASE("a submission that waits when its execution context is destroyed is destroyed") {
    Seen seen;
    {
        asio::io_context context;
        submit(context.get_executor(), SubmissionPtr(new Recorded(seen)), CompletionMode::post);
        submit(asio::make_strand(context), SubmissionPtr(new Recorded(seen)), CompletionMode::post);
        submit(asio::any_io_executor(asio::make_strand(context)), SubmissionPtr(new Recorded(seen)),
               CompletionMode::post);
    }
    CHECK(seen == Seen{"destroyed", "destroyed", "destroyed"});
}

TEST_CASE("a submission is completed by the threads of a pool") {
    Seen seen;
    asio::thread_pool pool(1);
    submit(asio::any_io_executor(pool.get_executor()), SubmissionPtr(new Recorded(seen)), CompletionMode::post);
    pool.join();
    CHECK(seen == Seen{"completed"});
}

}  // namespace submission_tests
