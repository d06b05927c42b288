#pragma once

#include "counters.hpp"

namespace communica {

COMMUNICA_INLINE std::vector<Counters::Failures> Counters::failures() const {
    const std::lock_guard lock(failures_mutex_);
    std::vector<Failures> all;
    all.reserve(failures_.size());
    for (const auto& [what, count] : failures_) {
        all.push_back({what.first, what.second, count});
    }
    return all;
}

COMMUNICA_INLINE void Counters::count_failure(std::string_view route, const std::error_code& code) {
    std::pair what(std::string(route.size() > max_route ? other : route), code);
    const std::lock_guard lock(failures_mutex_);
    if (failures_.size() >= max_failures && !failures_.contains(what)) {
        what.first = other;
    }
    ++failures_[std::move(what)];
}

}  // namespace communica
