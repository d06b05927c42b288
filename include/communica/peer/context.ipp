#pragma once

#include "../owned_json.hpp"
#include "../plain_text.hpp"
#include "context.hpp"
#include "progress.hpp"

#include <nlohmann/json.hpp>

namespace communica {

COMMUNICA_INLINE Context::Context(const peer::Incoming& incoming)
    : peer_(incoming.peer),
      connection_(incoming.connection),
      call_(incoming.call),
      route_(incoming.metadata.route.value_or("")),
      headers_(incoming.metadata.headers),
      id_(headers_.empty() || !base::is_plain(incoming.metadata.id) ? std::string_view() : incoming.metadata.id),
      deadline_(call_ ? call_->deadline : peer_->responder().deadline_of(incoming.metadata)),
      is_notification_(!incoming.metadata.wants_answer()),
      is_redelivered_(incoming.redelivered) {}

COMMUNICA_INLINE bool Context::wants_progress() const {
    if (!wants_progress_) {
        wants_progress_ = !is_notification_ && !id_.empty() && header(peer::progress_header).has_value();
    }
    return *wants_progress_;
}

COMMUNICA_INLINE bool Context::send_progress(Buffer& json) const {
    return peer_->responder().send_progress(*connection_, id_, json);
}

COMMUNICA_INLINE std::map<std::string, std::string> Context::headers() const {
    if (headers_.empty()) {
        return {};
    }
    const OwnedJson tree(nlohmann::json::parse(headers_));
    return tree->get<std::map<std::string, std::string>>();
}

COMMUNICA_INLINE std::optional<std::string> Context::header(const std::string& name) const {
    const auto all = headers();
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace communica
