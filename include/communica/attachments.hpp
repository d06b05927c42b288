// What a message has besides its bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace communica::base {

/// The descriptors of a message, on platforms that have them: a `DescriptorList`. Only transports and the codec of
/// descriptors know that type.
class Attachments : public std::enable_shared_from_this<Attachments> {
 public:
    Attachments(const Attachments&) = delete;
    Attachments& operator=(const Attachments&) = delete;

    std::size_t size() const noexcept { return size_; }

 protected:
    Attachments() = default;
    ~Attachments() = default;  // `std::make_shared` knows the type to destroy

    std::size_t size_ = 0;
};

/// Sets, during its lifetime, the attachments that the values loaded by this thread may take. Null: none.
class LoadingFrom {
 public:
    explicit LoadingFrom(Attachments* attachments) noexcept : before_(std::exchange(current_, attachments)) {}
    LoadingFrom(const LoadingFrom&) = delete;
    LoadingFrom& operator=(const LoadingFrom&) = delete;
    ~LoadingFrom() { current_ = before_; }

    static Attachments* current() noexcept { return current_; }

 private:
    static inline thread_local constinit Attachments* current_ = nullptr;

    Attachments* const before_;
};

}  // namespace communica::base
