#include "process.hpp"

#include <stdexcept>

namespace test {

std::string Process::expect(std::string_view word, std::chrono::steady_clock::duration deadline) {
    const auto line = read_line(deadline);
    if (!line || !line->starts_with(word)) {
        throw std::runtime_error("expected " + std::string(word) + " from a child process, but there came " +
                                 line.value_or("the end of its output"));
    }
    return line->size() > word.size() ? line->substr(word.size() + 1) : std::string();
}

std::optional<std::string> Process::read_line(std::chrono::steady_clock::duration deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (;;) {
        if (const auto at = unread_.find('\n'); at != unread_.npos) {
            std::string line = unread_.substr(0, at);
            unread_.erase(0, at + 1);
            if (line.ends_with('\r')) {  // Windows writes one
                line.pop_back();
            }
            return line;
        }
        const std::string part = read_some(end);
        if (part.empty()) {
            return std::nullopt;
        }
        unread_ += part;
    }
}

}  // namespace test
