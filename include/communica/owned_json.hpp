// Trees of nlohmann/json that end without wanting memory.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <utility>

namespace communica {

/// Nothing that is read is nested deeper.
inline constexpr std::size_t max_tree_depth = 128;

/// Empties a tree from its leaves on. Its own destructor allocates a list of what is in each container: the end of a large one
/// takes as much memory again, and without memory the program ends. Below what can be read it is left to that.
inline void take_apart(nlohmann::json& tree, std::size_t depth = 0) noexcept {
    if (depth == max_tree_depth) {
        return;
    }
    if (auto* const array = tree.get_ptr<nlohmann::json::array_t*>()) {
        for (nlohmann::json& element : *array) {
            take_apart(element, depth + 1);
        }
        array->clear();
    } else if (auto* const object = tree.get_ptr<nlohmann::json::object_t*>()) {
        for (auto& [key, value] : *object) {
            take_apart(value, depth + 1);
        }
        object->clear();
    }
}

/// A tree that is taken apart at its end.
class OwnedJson {
 public:
    explicit OwnedJson(nlohmann::json tree = nullptr) noexcept : tree_(std::move(tree)) {}
    OwnedJson(OwnedJson&&) noexcept = default;
    OwnedJson& operator=(OwnedJson&&) = delete;
    ~OwnedJson() { take_apart(tree_); }

    operator const nlohmann::json&() const noexcept { return tree_; }  // NOLINT(*-explicit-*): it is one
    nlohmann::json& operator*() noexcept { return tree_; }
    const nlohmann::json* operator->() const noexcept { return &tree_; }

 private:
    nlohmann::json tree_;
};

}  // namespace communica
