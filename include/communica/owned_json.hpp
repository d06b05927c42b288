// nlohmann/json trees whose destruction allocates no memory.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <utility>

namespace communica {

namespace base {

/// Maximum nesting depth of a value that is read.
inline constexpr std::size_t max_tree_depth = 128;

/// Empties a tree from its leaves. The destructor of nlohmann/json allocates a list of each container's elements: the
/// destruction of a large tree takes as much memory again, and terminates the program if there is none. Levels below
/// `max_tree_depth`, which no value that is read has, are left to that destructor.
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

}  // namespace base

/// A tree whose destructor calls `take_apart`.
class OwnedJson {
 public:
    explicit OwnedJson(nlohmann::json tree = nullptr) noexcept : tree_(std::move(tree)) {}
    OwnedJson(OwnedJson&&) noexcept = default;
    OwnedJson& operator=(OwnedJson&&) = delete;
    ~OwnedJson() { base::take_apart(tree_); }

    operator const nlohmann::json&() const noexcept { return tree_; }  // NOLINT(*-explicit-*): it is one
    nlohmann::json& operator*() noexcept { return tree_; }
    const nlohmann::json* operator->() const noexcept { return &tree_; }

 private:
    nlohmann::json tree_;
};

}  // namespace communica
