// A list of objects that hold their own links.
#pragma once

#include <memory>
#include <utility>

namespace communica::peer {

/// Owned objects in order, linked by their member `next`. Adding one allocates nothing.
template <class T, class Destroy>
class LinkedList {
 public:
    using Ptr = std::unique_ptr<T, Destroy>;

    LinkedList() = default;
    LinkedList(const LinkedList&) = delete;
    LinkedList& operator=(const LinkedList&) = delete;
    ~LinkedList() {
        while (pop()) {
        }
    }

    bool empty() const noexcept { return first_ == nullptr; }
    void add(Ptr object) noexcept {
        T* const added = object.release();
        (first_ != nullptr ? last_->next : first_) = added;
        last_ = added;
    }
    /// Removes and returns the first; null if there is none.
    Ptr pop() noexcept {
        Ptr first(first_);
        if (first) {
            first_ = std::exchange(first->next, nullptr);
        }
        return first;
    }
    void swap(LinkedList& other) noexcept {
        std::swap(first_, other.first_);
        std::swap(last_, other.last_);
    }

 private:
    T* first_ = nullptr;
    T* last_ = nullptr;  // if there is a first
};

}  // namespace communica::peer
