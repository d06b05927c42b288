// A file descriptor that closes itself.
#pragma once

#include <utility>

#include <unistd.h>

namespace communica::detail {

class OwnedDescriptor {
 public:
    OwnedDescriptor() = default;
    explicit OwnedDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    OwnedDescriptor(OwnedDescriptor&& other) noexcept : descriptor_(other.release()) {}
    OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~OwnedDescriptor() { reset(); }

    int get() const noexcept { return descriptor_; }
    explicit operator bool() const noexcept { return descriptor_ >= 0; }

    int release() noexcept { return std::exchange(descriptor_, -1); }
    void reset(int descriptor = -1) noexcept {
        if (const int old = std::exchange(descriptor_, descriptor); old >= 0) {
            ::close(old);
        }
    }

 private:
    int descriptor_ = -1;
};

}  // namespace communica::detail
