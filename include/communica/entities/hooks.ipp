#pragma once

#include "../plain_text.hpp"
#include "../wire/json_events.hpp"
#include "hooks.hpp"

#include <string>

namespace communica::entities {

COMMUNICA_INLINE void Hooks::on_failure(const peer::Failure& failure) const {
    if (counters_) {
        counters_->count_failure(failure.route, failure.error.code);
    }
    const auto kind = failure.error.kind;
    const bool was_meant = kind == Error::Kind::requester || kind == Error::Kind::responder;
    using What = peer::Failure::What;
    const bool is_told = failure.what != What::notification && (was_meant || kind == Error::Kind::serializer);
    log(is_told ? LogLevel::debug : LogLevel::warning, [&] {
        const char* const what = failure.what == What::notification ? "the notification "
                                 : failure.what == What::stream     ? "the stream "
                                                                    : "the request ";
        return what +
               (failure.route.empty() ? std::string() : wire::quote_json(base::shortened(failure.route, 256)) + " ") +
               "failed: " + std::string(base::shortened(failure.error.text(), 1024));
    });
}

}  // namespace communica::entities
