#include "support/process.hpp"

#include <communica/connectors/detail/users_windows.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <processthreadsapi.h>

namespace test {
namespace {

using communica::detail::OwnedHandle;

/// What a process exits with that `Process::kill` has ended.
constexpr ::UINT killed_code = 0x80000009;

[[noreturn]] void throw_last(const std::string& what) {
    throw std::system_error(static_cast<int>(::GetLastError()), std::system_category(), what);
}

::DWORD milliseconds_until(std::chrono::steady_clock::time_point end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    return left < 0 ? 0 : static_cast<::DWORD>(left);
}

/// Our end, and the child's end, which it inherits. The input's is read by Asio, and the output's by us until a deadline:
/// these ends are overlapped.
struct Line {
    Line(bool is_input) {
        static std::atomic<unsigned> number = 0;
        const std::string name =
            "\\\\.\\pipe\\communica-test." + std::to_string(::GetCurrentProcessId()) + "." + std::to_string(++number);
        constexpr ::DWORD buffer = 64 * 1024;
        ours = OwnedHandle(::CreateNamedPipeA(
            name.c_str(), is_input ? PIPE_ACCESS_OUTBOUND : PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED,
            PIPE_TYPE_BYTE | PIPE_WAIT, 1, buffer, buffer, 0, nullptr));
        ::SECURITY_ATTRIBUTES inherited{
            .nLength = sizeof inherited, .lpSecurityDescriptor = nullptr, .bInheritHandle = TRUE};
        theirs = OwnedHandle(::CreateFileA(name.c_str(), is_input ? GENERIC_READ : GENERIC_WRITE, 0, &inherited,
                                           OPEN_EXISTING, is_input ? FILE_FLAG_OVERLAPPED : ::DWORD{0}, nullptr));
        if (!ours || !theirs) {
            throw_last("a pipe");
        }
    }
    OwnedHandle ours;
    OwnedHandle theirs;
};

/// The handles that a child gets. Without such a list it gets all that may be inherited, as Asio's sockets may: then those
/// do not close while it lives.
class HandleList {
 public:
    explicit HandleList(std::vector<::HANDLE> handles) : handles_(std::move(handles)) {
        ::SIZE_T size = 0;
        ::InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
        memory_.resize(size);
        if (::InitializeProcThreadAttributeList(get(), 1, 0, &size) == 0) {
            throw_last("the list of a child's handles");
        }
        for (const ::HANDLE handle : handles_) {
            ::SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
        }
        if (::UpdateProcThreadAttribute(get(), 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(),
                                        handles_.size() * sizeof(::HANDLE), nullptr, nullptr) == 0) {
            const ::DWORD error = ::GetLastError();
            ::DeleteProcThreadAttributeList(get());
            throw std::system_error(static_cast<int>(error), std::system_category(), "the list of a child's handles");
        }
    }
    HandleList(const HandleList&) = delete;
    HandleList& operator=(const HandleList&) = delete;
    ~HandleList() { ::DeleteProcThreadAttributeList(get()); }

    ::LPPROC_THREAD_ATTRIBUTE_LIST get() { return reinterpret_cast<::LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data()); }

 private:
    std::vector<::HANDLE> handles_;  // the list refers to them
    std::vector<std::byte> memory_;
};

/// As the C runtime's parser of command lines wants it.
std::string quoted(const std::string& argument) {
    std::string text = "\"";
    std::size_t backslashes = 0;
    for (const char letter : argument) {
        if (letter == '"') {
            text.append(backslashes + 1, '\\');
        }
        backslashes = letter == '\\' ? backslashes + 1 : 0;
        text += letter;
    }
    return text + std::string(backslashes, '\\') + '"';
}

/// This process's environment, behind what is added: of two values of a variable the first counts.
std::string environment_with(const std::vector<std::string>& added) {
    std::string block;
    for (const std::string& variable : added) {
        block += variable + '\0';
    }
    const ::LPCH own = ::GetEnvironmentStringsA();
    for (const char* at = own; *at != '\0'; at += std::string_view(at).size() + 1) {
        block.append(at, std::string_view(at).size() + 1);
    }
    ::FreeEnvironmentStringsA(own);
    return block + '\0';
}

}  // namespace

class Process::Child {
 public:
    Child() = default;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (process) {
            ::TerminateProcess(process.get(), killed_code);
            ::WaitForSingleObject(process.get(), INFINITE);
        }
    }

    OwnedHandle process;
    ::DWORD id = 0;
    OwnedHandle input;   // its input: we write there
    OwnedHandle output;  // its output: we read there
};

Process::Process(const std::string& program, std::vector<std::string> arguments, const ProcessOptions& options)
    : child_(std::make_unique<Child>()) {
    const std::string path = COMMUNICA_TEST_PROGRAMS_DIR "/" + program + ".exe";
    std::string line = quoted(path);
    for (const std::string& argument : arguments) {
        line += ' ' + quoted(argument);
    }
    std::string environment = environment_with(options.environment);

    Line input(true);
    Line output(false);
    ::STARTUPINFOEXA startup{};
    startup.StartupInfo.cb = sizeof startup;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup.StartupInfo.hStdInput = input.theirs.get();
    startup.StartupInfo.hStdOutput = output.theirs.get();
    startup.StartupInfo.hStdError = ::GetStdHandle(STD_ERROR_HANDLE);
    std::vector<::HANDLE> handles{input.theirs.get(), output.theirs.get()};
    if (startup.StartupInfo.hStdError != nullptr) {
        handles.push_back(startup.StartupInfo.hStdError);
    }
    if (options.inherited) {
        handles.push_back(reinterpret_cast<::HANDLE>(static_cast<std::intptr_t>(*options.inherited)));
    }
    HandleList list(std::move(handles));
    startup.lpAttributeList = options.all_handles ? nullptr : list.get();
    ::PROCESS_INFORMATION made{};
    if (::CreateProcessA(path.c_str(), line.data(), nullptr, nullptr, TRUE, EXTENDED_STARTUPINFO_PRESENT,
                         environment.data(), nullptr, &startup.StartupInfo, &made) == 0) {
        throw_last(path);
    }
    ::CloseHandle(made.hThread);
    child_->process = OwnedHandle(made.hProcess);
    child_->id = made.dwProcessId;
    child_->input = std::move(input.ours);
    child_->output = std::move(output.ours);
}

Process::Process(Process&& other) noexcept = default;
Process::~Process() = default;

std::int64_t Process::id() const noexcept { return child_->id; }

std::string Process::read_some(std::chrono::steady_clock::time_point end) {
    const OwnedHandle event(::CreateEventA(nullptr, TRUE, FALSE, nullptr));
    ::OVERLAPPED operation{};
    operation.hEvent = event.get();
    char part[4096];
    ::DWORD count = 0;
    if (::ReadFile(child_->output.get(), part, sizeof part, nullptr, &operation) == 0 &&
        ::GetLastError() != ERROR_IO_PENDING) {
        return {};  // it is gone
    }
    const bool came = ::WaitForSingleObject(event.get(), milliseconds_until(end)) == WAIT_OBJECT_0;
    if (!came) {
        ::CancelIoEx(child_->output.get(), &operation);
    }
    if (::GetOverlappedResult(child_->output.get(), &operation, &count, TRUE) == 0) {
        if (!came) {
            throw std::runtime_error("a child process did not write a line before the deadline");
        }
        return {};
    }
    return {part, count};
}

void Process::write_line(std::string_view line) {
    const std::string text = std::string(line) + '\n';
    ::DWORD written = 0;
    if (::WriteFile(child_->input.get(), text.data(), static_cast<::DWORD>(text.size()), &written, nullptr) == 0) {
        throw_last("write");
    }
}

void Process::end_input() noexcept { child_->input = OwnedHandle(); }

void Process::kill() {
    if (::TerminateProcess(child_->process.get(), killed_code) == 0) {
        throw_last("TerminateProcess");
    }
}

Exit Process::wait(std::chrono::steady_clock::duration deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    if (::WaitForSingleObject(child_->process.get(), milliseconds_until(end)) != WAIT_OBJECT_0) {
        throw std::runtime_error("a child process did not end before the deadline");
    }
    ::DWORD code = 0;
    ::GetExitCodeProcess(child_->process.get(), &code);
    child_->process = OwnedHandle();
    return code == killed_code ? killed : Exit{.code = static_cast<int>(code)};
}

}  // namespace test
