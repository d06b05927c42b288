// A request's completion that only notes how it ended.
#pragma once

#include <communica/peer/pending_requests.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace test {

struct Outcome {
    int completions = 0;
    bool destroyed = false;
    std::optional<std::string> body;        ///< after success
    std::optional<communica::Error> error;  ///< after failure
};

class RecordedOperation final : public communica::peer::Operation {
 public:
    static communica::peer::OperationPtr make(std::shared_ptr<Outcome> outcome) {
        return communica::peer::OperationPtr(new RecordedOperation(std::move(outcome)));
    }

    void succeed(const communica::peer::Answer& answer, communica::peer::Completions*) override {
        ++outcome_->completions;
        outcome_->body = communica::as_text(answer.body);
        destroy();
    }
    void fail(communica::Error error, communica::peer::Completions*) override {
        ++outcome_->completions;
        outcome_->error = std::move(error);
        destroy();
    }

 private:
    explicit RecordedOperation(std::shared_ptr<Outcome> outcome) : outcome_(std::move(outcome)) {}
    void destroy() noexcept override {
        outcome_->destroyed = true;
        delete this;
    }

    std::shared_ptr<Outcome> outcome_;
};

inline std::error_code error_of(const std::shared_ptr<Outcome>& outcome) {
    return outcome->error ? outcome->error->code : std::error_code();
}

}  // namespace test
