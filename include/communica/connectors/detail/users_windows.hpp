// Users on Windows: the owner of a process or a pipe, and the trusted users.
#pragma once

#include "../../asio.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <aclapi.h>
#include <sddl.h>

namespace communica::detail {

/// A handle that closes itself.
class OwnedHandle {
 public:
    OwnedHandle() = default;
    explicit OwnedHandle(::HANDLE handle) : handle_(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
    OwnedHandle(OwnedHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    OwnedHandle& operator=(OwnedHandle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~OwnedHandle() {
        if (handle_ != nullptr) {
            ::CloseHandle(handle_);
        }
    }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    ::HANDLE get() const noexcept { return handle_; }
    ::HANDLE release() noexcept { return std::exchange(handle_, nullptr); }

 private:
    ::HANDLE handle_ = nullptr;
};

/// Frees memory of the system with `LocalFree`.
struct LocalDeleter {
    void operator()(void* memory) const { ::LocalFree(memory); }
};

/// As text: `S-1-5-21-...`.
inline std::optional<std::string> text_of(::PSID sid) {
    ::LPSTR text = nullptr;
    if (sid == nullptr || ::ConvertSidToStringSidA(sid, &text) == 0) {
        return std::nullopt;
    }
    const std::unique_ptr<char, LocalDeleter> owned(text);
    return std::string(text);
}

/// The SID of a process's user, if this process may read it.
inline std::optional<std::string> user_of_process(::HANDLE process) {
    ::HANDLE opened = nullptr;
    if (::OpenProcessToken(process, TOKEN_QUERY, &opened) == 0) {
        return std::nullopt;
    }
    const OwnedHandle token(opened);
    alignas(::TOKEN_USER) char buffer[sizeof(::TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    ::DWORD size = 0;
    if (::GetTokenInformation(token.get(), ::TokenUser, buffer, sizeof buffer, &size) == 0) {
        return std::nullopt;
    }
    return text_of(reinterpret_cast<::TOKEN_USER*>(buffer)->User.Sid);
}
inline std::optional<std::string> user_of_process(::ULONG id) {
    const OwnedHandle process(::OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id));
    return process ? user_of_process(process.get()) : std::nullopt;
}

/// The SID of a pipe's creator.
inline std::optional<std::string> owner_of(::HANDLE pipe) {
    ::PSID owner = nullptr;
    ::PSECURITY_DESCRIPTOR descriptor = nullptr;
    if (::GetSecurityInfo(pipe, ::SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, nullptr, nullptr, nullptr,
                          &descriptor) != ERROR_SUCCESS) {
        return std::nullopt;
    }
    const std::unique_ptr<void, LocalDeleter> owned(descriptor);
    return text_of(owner);
}

/// The rights that a client needs, and that users other than the owner get. FILE_GENERIC_WRITE would also allow
/// creating instances of the pipe (Microsoft, "Named Pipe Security and Access Rights").
inline constexpr ::DWORD read_and_write = FILE_GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA;

/// This user, and the named ones.
class TrustedSids {
 public:
    explicit TrustedSids(std::vector<std::string> others) : others_(std::move(others)) {
        for (const std::string& sid : others_) {
            if (!is_sid(sid)) {
                throw std::system_error(errc::invalid_argument, "not a security identifier: " + sid);
            }
        }
        const auto user = user_of_process(::GetCurrentProcess());
        if (!user) {
            throw std::system_error(static_cast<int>(::GetLastError()), asio::error::get_system_category(),
                                    "the user of this process");
        }
        own_ = *user;
    }

    bool contain(const std::string& sid) const {
        return sid == own_ || std::find(others_.begin(), others_.end(), sid) != others_.end();
    }

    bool is_own(const std::string& sid) const { return sid == own_; }

    /// Is this user trusted as the owner of a pipe? Administrators and the system are: they control this process.
    bool own(const std::string& sid) const { return contain(sid) || sid == "S-1-5-32-544" || sid == "S-1-5-18"; }

    /// An owner and an access list in the Security Descriptor Definition Language: this user may do everything, the
    /// others may read and write, but not create instances of the pipe.
    std::string descriptor() const {
        std::string text = "O:" + own_ + "D:P(A;;GA;;;" + own_ + ")";
        for (const std::string& sid : others_) {
            static_assert(read_and_write == 0x12019b);
            text += "(A;;0x12019b;;;" + sid + ")";
        }
        return text;
    }

 private:
    static bool is_sid(const std::string& text) {
        ::PSID sid = nullptr;
        if (::ConvertStringSidToSidA(text.c_str(), &sid) == 0) {
            return false;
        }
        const std::unique_ptr<void, LocalDeleter> owned(sid);
        return text.starts_with("S-");  // the language's aliases have other forms, and would not compare equal
    }

    std::string own_;
    std::vector<std::string> others_;
};

}  // namespace communica::detail
