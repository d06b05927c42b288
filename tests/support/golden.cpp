#include "support/golden.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>

namespace test {
namespace {

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t at = 0; at < hex.size(); at += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
    }
    return bytes;
}

std::vector<GoldenVector> load() {
    std::ifstream file(COMMUNICA_TEST_DATA_DIR "/golden.json");
    std::vector<GoldenVector> vectors;
    for (const auto& entry : nlohmann::json::parse(file)) {
        vectors.push_back({entry.at("name"), entry.at("transport"), entry.at("origin"), from_hex(entry.at("hex"))});
    }
    return vectors;
}

std::size_t metadata_end(const std::string& frame) {
    if (frame.size() < 9 || frame[4] != 10) {
        throw std::logic_error("not a message frame");
    }
    std::size_t counted = 0;
    for (std::size_t at = 5; at != 9; ++at) {
        counted = counted << 8 | static_cast<unsigned char>(frame[at]);
    }
    return 5 + counted;
}

}  // namespace

const std::vector<GoldenVector>& golden_vectors() {
    static const std::vector<GoldenVector> vectors = load();
    return vectors;
}

const std::string& golden(std::string_view name) {
    for (const GoldenVector& vector : golden_vectors()) {
        if (vector.name == name) {
            return vector.bytes;
        }
    }
    throw std::out_of_range("no golden vector " + std::string(name));
}

std::string golden_body(std::string_view name) {
    const std::string& frame = golden(name);
    return frame.substr(metadata_end(frame));
}

std::string golden_metadata(std::string_view name) {
    const std::string& frame = golden(name);
    return frame.substr(9, metadata_end(frame) - 9);
}

}  // namespace test
