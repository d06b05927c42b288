// An item of a stream that can be followed over several connections.
#pragma once

#include "../../serializers/model.hpp"
#include "../context.hpp"

#include <cstdint>
#include <string>

namespace communica {

/// A value with what it takes to go on behind it. In the `Route` of a stream that is subscribed to:
/// `Route<Stream<Published<Tick>>(Symbol)>`.
template <class T>
struct Published {
    /// What `missed` says where it is not known how many.
    static constexpr std::int64_t some = -1;

    /// The item that was published.
    T value = {};
    /// Stands for this place in the stream: who comes again says it, and gets what is behind it. Of the handler's choice.
    std::string token = {};
    /// Items between the one before and this that the subscriber does not get.
    std::int64_t missed = 0;
};

/// As an object of the value and what is known of its place.
template <class T>
constexpr auto communica_model(Type<Published<T>>) {
    return model("Published", field("value", &Published<T>::value), field("token", &Published<T>::token).optional(),
                 field("missed", &Published<T>::missed).optional());
}

/// The header by which a subscriber that comes again says the token of its last item.
inline constexpr const char* resume_header = "communica-resume";

/// The token that the subscriber has seen last; empty where it begins.
inline std::string resume_token(const Context& context) { return context.header(resume_header).value_or(""); }

}  // namespace communica
