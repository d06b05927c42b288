// Large numbers as JavaScript writes them.
#pragma once

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace test {

struct JavascriptNumber {
    double value;
    std::string text;  // the shortest digits and zeros, below 1e21 without an exponent
};

/// 5960 doubles from 2^53 to 1e21 with what `Number.prototype.toString` makes of them.
inline std::vector<JavascriptNumber> javascript_numbers() {
    std::uint64_t state = 7;
    const auto next = [&state] {  // SplitMix64
        std::uint64_t bits = state += 0x9E3779B97F4A7C15;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    };
    std::vector<JavascriptNumber> numbers;
    while (numbers.size() != 5960) {
        const std::uint64_t bits = next();
        const std::uint64_t exponent = 53 + (bits >> 52) % 17;
        const auto value = std::bit_cast<double>((exponent + 1023) << 52 | (bits & ((std::uint64_t{1} << 52) - 1)));
        if (value >= 1e21) {
            continue;
        }
        char text[32];
        const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
        const std::string scientific(text, end);
        const std::size_t mark = scientific.find('e');
        std::string digits = scientific.substr(0, mark);
        std::erase(digits, '.');
        digits.resize(static_cast<std::size_t>(std::stoi(scientific.substr(mark + 1))) + 1, '0');
        numbers.push_back({value, digits});
    }
    return numbers;
}

/// FNV-1a of the texts, each with a line feed behind it.
inline std::uint64_t checksum(const std::vector<JavascriptNumber>& numbers) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const JavascriptNumber& number : numbers) {
        for (const char byte : number.text + '\n') {
            sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
        }
    }
    return sum;
}

/// The same of what Node.js 20 writes for the same doubles.
inline constexpr std::uint64_t checksum_of_node = 0xa2ca97d1648ac120;

}  // namespace test
