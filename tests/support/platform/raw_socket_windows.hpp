// One end of a pipe without the library and without coroutines, for tests that make thousands of connections: unless told
// to it never waits, so that one thread can be both sides.
#pragma once

#include "streams_windows.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace test {

class RawSocket {
 public:
    explicit RawSocket(OwnedHandle handle)
        : handle_(std::move(handle)), event_(::CreateEventA(nullptr, TRUE, FALSE, nullptr)) {
        if (!handle_) {
            communica::detail::throw_system(::GetLastError(), "a pipe");
        }
    }

    /// Connects to a local socket.
    static RawSocket connect(const std::string& name) {
        for (;;) {
            OwnedHandle handle(::CreateFileA(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                             FILE_FLAG_OVERLAPPED, nullptr));
            if (handle || ::GetLastError() != ERROR_PIPE_BUSY || ::WaitNamedPipeA(name.c_str(), 60'000) == 0) {
                return RawSocket(std::move(handle));
            }
        }
    }

    /// Two ends; the second is a descriptor for a `DescriptorConnector`.
    static std::pair<RawSocket, int> pair() {
        const auto [one, other] = stream_pair();
        return {RawSocket(OwnedHandle(reinterpret_cast<::HANDLE>(static_cast<std::intptr_t>(one)))), other};
    }

    /// Sends what fits at once, which has to be all. False if the other side has closed.
    bool send(std::string_view bytes) {
        ::OVERLAPPED operation = begin();
        if (::WriteFile(handle_.get(), bytes.data(), static_cast<::DWORD>(bytes.size()), nullptr, &operation) == 0 &&
            ::GetLastError() != ERROR_IO_PENDING) {
            return false;
        }
        const bool at_once = ::WaitForSingleObject(event_.get(), 1'000) == WAIT_OBJECT_0;  // nobody else has to act
        if (!at_once) {
            ::CancelIoEx(handle_.get(), &operation);
        }
        ::DWORD sent = 0;
        const bool went = ::GetOverlappedResult(handle_.get(), &operation, &sent, TRUE) != 0;
        if (!at_once || (went && sent != bytes.size())) {
            throw std::runtime_error("no room to send at once");
        }
        return went;
    }

    /// A pipe can't end one direction alone.
    void end() { cut(); }
    void cut() {
        handle_ = OwnedHandle();
        ended = true;
    }

    /// Adds what is there to `came`, and notices the end.
    void receive() {
        ::DWORD count = 0;
        while (!ended) {
            if (::PeekNamedPipe(handle_.get(), nullptr, 0, nullptr, &count, nullptr) == 0) {
                ended = true;
            } else if (count == 0) {
                return;
            } else {
                read(std::chrono::seconds{1});
            }
        }
    }

    /// Waits for more to come, or the end.
    void wait(std::chrono::steady_clock::duration longest) {
        read(longest);
        receive();
    }

    std::string came;
    bool ended = false;

 private:
    ::OVERLAPPED begin() {
        ::ResetEvent(event_.get());
        ::OVERLAPPED operation{};
        operation.hEvent = event_.get();
        return operation;
    }

    void read(std::chrono::steady_clock::duration longest) {
        char part[4096];
        ::OVERLAPPED operation = begin();
        if (::ReadFile(handle_.get(), part, sizeof part, nullptr, &operation) == 0 &&
            ::GetLastError() != ERROR_IO_PENDING) {
            ended = true;
            return;
        }
        const auto time = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
        const bool is_done = ::WaitForSingleObject(event_.get(), static_cast<::DWORD>(time)) == WAIT_OBJECT_0;
        if (!is_done) {
            ::CancelIoEx(handle_.get(), &operation);
        }
        ::DWORD count = 0;
        if (::GetOverlappedResult(handle_.get(), &operation, &count, TRUE) != 0) {
            came.append(part, count);
        } else if (is_done) {
            ended = true;
        } else {
            throw std::runtime_error("nothing came before the deadline");
        }
    }

    OwnedHandle handle_;
    OwnedHandle event_;
};

}  // namespace test
