// An item of a stream that can be continued over another connection.
#pragma once

#include "../../serializers/model.hpp"
#include "../context.hpp"

#include <cstdint>
#include <string>

namespace communica {

/// A value and its place in the stream. Used in the `Route` of a stream that is subscribed to:
/// `Route<Stream<Published<Tick>>(Symbol)>`.
template <class T>
struct Published {
    /// The value of `missed` if the number is not known.
    static constexpr std::int64_t some = -1;

    /// The published item.
    T value = {};
    /// The place of this item in the stream, chosen by the handler. A subscriber that opens the stream again sends it,
    /// and gets the items after it.
    std::string token = {};
    /// The number of items directly before this one that the subscriber does not get.
    std::int64_t missed = 0;
};

/// The fields of a `Published`; `token` and `missed` are optional.
template <class T>
constexpr auto communica_model(Type<Published<T>>) {
    return model("Published", field("value", &Published<T>::value), field("token", &Published<T>::token).optional(),
                 field("missed", &Published<T>::missed).optional());
}

namespace peer {

/// The header with which a subscriber sends the token of its last item when it opens the stream again.
inline constexpr const char* resume_header = "communica-resume";

}  // namespace peer

/// Returns the token of the subscriber's last item; empty for a new subscription.
inline std::string resume_token(const Context& context) { return context.header(peer::resume_header).value_or(""); }

}  // namespace communica
