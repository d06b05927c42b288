#pragma once

#include "inflight_call.hpp"

namespace communica::peer {

COMMUNICA_INLINE void InflightCall::begin(const wire::Metadata& metadata, std::optional<Clock::time_point> until,
                                          std::size_t held) {
    texts_.release();
    char* end = texts_.extend(metadata.id.size() + metadata.before_type.size() + metadata.after_type.size());
    const auto keep = [&end](std::string_view text) {
        const char* const begin = end;
        end = std::copy(text.begin(), text.end(), end);
        return std::string_view(begin, text.size());
    };
    id = keep(metadata.id);
    before_type = keep(metadata.before_type);
    after_type = keep(metadata.after_type);
    wants_answer = metadata.wants_answer();
    deadline = until;
    // The handler's `Context` has a copy of the headers, and of the id for their progress.
    const std::size_t context = metadata.headers.empty() ? 0 : metadata.headers.size() + metadata.id.size();
    bytes = call_cost + held + cost_of_texts() + context;
    is_answered = false;
}

COMMUNICA_INLINE std::string InflightCall::route() const {
    wire::MetadataReader reader;
    const std::string text = metadata();
    return std::string(reader.read(text).route.value_or(""));
}

COMMUNICA_INLINE std::chrono::milliseconds InflightCall::timeout() const {
    wire::MetadataReader reader;
    const std::string text = metadata();
    return reader.read(text).timeout.value_or(std::chrono::milliseconds{0});
}

COMMUNICA_INLINE void InflightCalls::add(std::shared_ptr<InflightCall> call) {
    call->is_listed = true;
    notifications_ += call->wants_answer ? 0 : 1;
    call->index = calls_.size();
    if (call->deadline) {
        deadlines_.push(*call->deadline, call.get());
    }
    if (by_id_) {
        index(*call);
    }
    calls_.push_back(std::move(call));
}

COMMUNICA_INLINE bool InflightCalls::remove(InflightCall& call) {
    if (!std::exchange(call.is_listed, false)) {
        return false;
    }
    notifications_ -= call.wants_answer ? 0 : 1;
    deadlines_.remove(&call);
    if (by_id_) {
        if (const auto found = by_id_->find(call.id); found != by_id_->end() && found->second == &call) {
            by_id_->erase(found);
        }
    }
    calls_.back()->index = call.index;
    std::swap(calls_[call.index], calls_.back());
    calls_.pop_back();
    if (calls_.empty()) {
        by_id_.reset();
    }
    return true;
}

COMMUNICA_INLINE std::shared_ptr<InflightCall> InflightCalls::find(std::string_view id) {
    if (!by_id_) {
        by_id_.emplace();
        for (const auto& call : calls_) {
            index(*call);
        }
    }
    const auto found = by_id_->find(id);
    return found != by_id_->end() ? calls_[found->second->index] : nullptr;
}

COMMUNICA_INLINE std::shared_ptr<InflightCall> InflightCalls::expired(Clock::time_point now) const {
    const auto call = deadlines_.expired(now);
    return call ? calls_[(*call)->index] : nullptr;
}

COMMUNICA_INLINE std::vector<std::shared_ptr<InflightCall>> InflightCalls::take_all() {
    std::vector<std::shared_ptr<InflightCall>> all = calls_;
    for (const auto& call : all) {
        remove(*call);
    }
    return all;
}

COMMUNICA_INLINE void InflightCalls::index(InflightCall& call) {
    if (!call.id.empty()) {  // empty for a notification, or for an id that is not a string
        by_id_->emplace(call.id, &call);
    }
}

}  // namespace communica::peer
