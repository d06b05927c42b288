#include "support/catch.hpp"

#include <communica/peer/completions.hpp>

#include <asio/io_context.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace completions_tests {

using communica::base::TurnScope;
using communica::peer::Completions;
using communica::peer::Submission;
using communica::peer::SubmissionPtr;

namespace {

class Completion final : public Submission {
 public:
    Completion(std::function<void()> function, int& destroyed)
        : function_(std::move(function)), destroyed_(destroyed) {}

    void complete() override {
        const std::function<void()> function = std::move(function_);
        destroy();
        function();
    }
    void destroy() noexcept override {
        ++destroyed_;
        delete this;
    }

 private:
    std::function<void()> function_;
    int& destroyed_;
};

struct Fixture {
    void add(std::function<void()> function) {
        completions->add(SubmissionPtr(new Completion(std::move(function), destroyed)));
    }
    void add(int number) {
        add([this, number] { called.push_back(number); });
    }

    asio::io_context context;
    std::shared_ptr<Completions> completions = std::make_shared<Completions>(context.get_executor());
    int destroyed = 0;
    std::vector<int> called;
};

}  // namespace

TEST_CASE("completions of a turn run at the end of its scope, in order") {
    Fixture at;
    {
        const TurnScope scope;
        at.add(1);
        at.add(2);
        at.add(3);
        CHECK(at.called.empty());
    }
    CHECK(at.called == std::vector{1, 2, 3});
    at.context.run();  // what was posted for other threads finds nothing
    CHECK(at.called.size() == 3);
    CHECK(at.destroyed == 3);
}

TEST_CASE("without a scope, or in one that has other work, they are posted") {
    Fixture at;
    at.add(1);
    {
        Fixture other;
        const TurnScope scope;
        other.add(7);
        at.add(2);  // a run is coming already
    }
    CHECK(at.called.empty());
    at.context.run();
    CHECK(at.called == std::vector{1, 2});
    at.context.restart();
    Fixture other;
    {
        const TurnScope scope;
        other.add(7);
        at.add(3);
    }
    CHECK(other.called == std::vector{7});
    CHECK(at.called == std::vector{1, 2});
    at.context.run();
    CHECK(at.called == std::vector{1, 2, 3});
}

TEST_CASE("while a completion runs, another thread of the context can take those behind it") {
    Fixture at;
    std::vector<int> meanwhile;
    {
        const TurnScope scope;
        at.add([&] {
            at.context.poll_one();  // as another thread does
            meanwhile = at.called;
        });
        at.add(2);
        at.add(3);
    }
    CHECK(meanwhile == std::vector{2, 3});
}

TEST_CASE("what a completion causes does not wait for its end") {
    Fixture at;
    std::vector<int> meanwhile;
    {
        const TurnScope scope;
        at.add([&] {
            at.add(2);
            at.context.poll();
            meanwhile = at.called;
        });
    }
    CHECK(meanwhile == std::vector{2});
}

TEST_CASE("an exception of a completion is the executor's, and the next completions are called") {
    Fixture at;
    {
        const TurnScope scope;
        at.add([] { throw std::runtime_error("of a user"); });
        at.add(2);
    }
    CHECK(at.called == std::vector{2});
    CHECK_THROWS_AS(at.context.run(), std::runtime_error);
}

TEST_CASE("abandoned completions are destroyed without being called") {
    Fixture at;
    at.add(1);
    at.add(2);
    at.completions->abandon();
    CHECK(at.destroyed == 2);
    at.context.run();
    CHECK(at.called.empty());
}

TEST_CASE("completions that wait when their context is destroyed go with the last reference to them") {
    int destroyed = 0;
    std::shared_ptr<Completions> completions;
    {
        asio::io_context context;
        completions = std::make_shared<Completions>(context.get_executor());
        completions->add(SubmissionPtr(new Completion([] { FAIL("called"); }, destroyed)));
    }
    completions.reset();
    CHECK(destroyed == 1);
}

}  // namespace completions_tests
