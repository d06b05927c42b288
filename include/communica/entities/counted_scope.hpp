// A count of the scopes that are running.
#pragma once

namespace communica::entities {

/// Adds one to a count while it exists.
class CountedScope {
 public:
    explicit CountedScope(int& count) noexcept : count_(count) { ++count_; }
    CountedScope(const CountedScope&) = delete;
    CountedScope& operator=(const CountedScope&) = delete;
    ~CountedScope() { --count_; }

 private:
    int& count_;
};

}  // namespace communica::entities
