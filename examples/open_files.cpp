// A privileged process opens files for an unprivileged one: the parent checks what may be read, opens it, and answers with
// the descriptor. The child, which is the user nobody if root starts this, reads it without a right to the file's path.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct OpenedFile {
    std::string name;
    communica::Descriptor descriptor;
};
COMMUNICA_MODEL(OpenedFile, name, descriptor)

inline constexpr communica::Route<OpenedFile(std::string)> open_file{"open_file"};

[[noreturn]] inline void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// A directory that only this user can enter, with one file.
class PrivateDirectory {
 public:
    PrivateDirectory() {
        if (::mkdtemp(path_.data()) == nullptr) throw_errno("mkdtemp");
        directory_.reset(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        const communica::Descriptor file(::openat(directory_.get(), "notes", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        if (::write(file.get(), "a secret", 8) != 8) throw_errno("write");
    }
    PrivateDirectory(const PrivateDirectory&) = delete;
    PrivateDirectory& operator=(const PrivateDirectory&) = delete;
    ~PrivateDirectory() {
        ::unlinkat(directory_.get(), "notes", 0);
        ::rmdir(path_.c_str());
    }

    // No directories, no symbolic links, no waiting for the other end of a pipe.
    communica::Descriptor open(const std::string& name) const {
        if (name.empty() || name.front() == '.' || name.find('/') != name.npos) {
            throw communica::RequesterError("not the name of a file", 400);
        }
        constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
        communica::Descriptor file(::openat(directory_.get(), name.c_str(), flags));
        if (!file) throw communica::RequesterError(std::generic_category().message(errno), 404);
        return file;
    }

 private:
    std::string path_ = "/tmp/open_files-XXXXXX";
    communica::Descriptor directory_;
};

asio::awaitable<void> be_child(int socket) {
    if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) throw_errno("setuid");
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, communica::DescriptorConnector{socket}};

    const OpenedFile file = co_await client.request(open_file, std::string{"notes"});
    std::string text(100, '\0');
    const auto size = ::read(file.descriptor.get(), text.data(), text.size());
    if (size < 0) throw_errno("read");
    text.resize(static_cast<std::size_t>(size));
    std::cout << "child: " << file.name << " contains: " << text << '\n';

    const auto refused = co_await client.try_request(open_file, std::string{"../../etc/shadow"});
    std::cout << "child: ../../etc/shadow: " << refused.error().text() << std::endl;
    co_await client.close();
}

asio::awaitable<void> be_parent(int socket) {
    const PrivateDirectory directory;
    communica::RouteTable routes;
    routes.add(open_file, [&](const std::string& name) { return OpenedFile{name, directory.open(name)}; });
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteServer server{executor, communica::DescriptorConnector{socket}, routes};
    co_await server.run();  // until the child has left
}

int main() try {
    std::array<int, 2> sockets{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) throw_errno("socketpair");
    const pid_t child = ::fork();
    if (child < 0) throw_errno("fork");
    ::close(sockets[child == 0 ? 0 : 1]);

    asio::io_context context;
    asio::co_spawn(context, child == 0 ? be_child(sockets[1]) : be_parent(sockets[0]),
                   [](const std::exception_ptr& error) {
                       if (error) std::rethrow_exception(error);
                   });
    context.run();
    if (int status = 0; child != 0 && (::waitpid(child, &status, 0) != child || status != 0)) {
        throw std::runtime_error("the child failed");
    }
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
