// The byte vectors of golden.json, captured from the Python library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace test {

struct GoldenVector {
    std::string name;
    std::string transport;  ///< "tcp,local", "tcp", "local" or "rabbitmq"
    std::string origin;
    std::string bytes;

    bool is_stream() const { return transport != "rabbitmq"; }
};

const std::vector<GoldenVector>& golden_vectors();

/// The bytes of one vector. Throws if there is none of this name.
const std::string& golden(std::string_view name);

/// The body of a vector that is one message frame, cut out by hand.
std::string golden_body(std::string_view name);
std::string golden_metadata(std::string_view name);

}  // namespace test
