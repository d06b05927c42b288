// The progress of a request, as its handler reports it.
#pragma once

#include "../buffer.hpp"
#include "../serializers/json.hpp"
#include "pending_requests.hpp"

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace communica {

namespace peer {

/// The header of a request whose requester wants to hear of its progress.
inline constexpr const char* progress_header = "communica-progress";

template <class Function>
struct ProgressOf;
template <class T>
struct ProgressOf<std::function<void(T)>> {
    using type = std::remove_cvref_t<T>;
};

}  // namespace peer

/// Called with the progress that the handler of a request reports (`Context::progress`): the argument of
/// `RequestOptions::on_progress`. The type of its parameter has to be that of the handler's value, as JSON.
///
/// Runs on the connection's executor, before the answer is passed on. A later progress may replace one that was not
/// sent yet, so do not add up differences. A value that does not load as the parameter's type is dropped. An exception
/// is rethrown on the executor.
///
///     const communica::OnProgress show{[](double done) { std::cout << done * 100 << " %\n"; }};
///     const auto report = co_await client.request(make_report, month, {.on_progress = &show});
class OnProgress {
 public:
    /// `function` returns nothing and has one parameter.
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, OnProgress>)
    explicit OnProgress(F function)
        : sink_(std::make_shared<const peer::ProgressSink>(
              [function = std::function{std::move(function)}](const peer::Answer& report) {
                  using T = typename peer::ProgressOf<std::remove_cvref_t<decltype(function)>>::type;
                  std::optional<T> value;
                  try {
                      const codec::Allowance allowance(report.max_loaded);
                      value.emplace(JsonSerializer().load<T>(report.body));
                  } catch (const SerializerError&) {
                      return;
                  }
                  function(*std::move(value));
              })) {}

    /// Used by the library.
    const std::shared_ptr<const peer::ProgressSink>& sink() const noexcept { return sink_; }

 private:
    std::shared_ptr<const peer::ProgressSink> sink_;
};

namespace peer {

/// An operation whose request has an `OnProgress`. Replaces the operation that it wraps.
class ReportedOperation final : public Operation {
 public:
    /// Takes `inner`, unless it throws.
    static OperationPtr wrap(OperationPtr& inner, std::shared_ptr<const ProgressSink> sink) {
        auto* const reported = new ReportedOperation(std::move(sink));
        reported->inner_ = std::move(inner);
        return OperationPtr(reported);
    }

    std::shared_ptr<const ProgressSink> progress() const override { return sink_; }
    void succeed(const Answer& answer, Completions* to) override { end().release()->succeed(answer, to); }
    void fail(Error error, Completions* to) override { end().release()->fail(std::move(error), to); }

 private:
    explicit ReportedOperation(std::shared_ptr<const ProgressSink> sink) noexcept : sink_(std::move(sink)) {}

    OperationPtr end() noexcept {
        OperationPtr inner = std::move(inner_);
        destroy();
        return inner;
    }
    void destroy() noexcept override { delete this; }

    OperationPtr inner_;
    std::shared_ptr<const ProgressSink> sink_;
};

}  // namespace peer

}  // namespace communica
