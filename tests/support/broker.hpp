// A RabbitMQ broker for tests: the node that support/rabbitmq_broker runs.
#pragma once

#include "process.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace test {

struct BrokerOptions {
    std::uint16_t port = 0;  ///< 0: a free one
    /// Paths of a certificate, its key and the authority that vouches for clients, as PEM: it listens for TLS, too.
    std::vector<std::string> tls = {};
    std::vector<std::string> settings =
        {};                      ///< lines of its rabbitmq.conf, which count more than `COMMUNICA_BROKER_CONFIG`
    std::string directory = {};  ///< in which it makes one of its own; empty: that of the system for temporary files
};

/// A broker of its own, set up as `COMMUNICA_BROKER_CONFIG` says and that of another Debian if there is a
/// `COMMUNICA_BROKER_ROOT` (support/rabbitmq_broker), which listens on 127.0.0.1 alone. It ends with this object, and also
/// if this process is killed.
///
/// Calls block until what they ask for is so. At a deadline, 50 s to start and 30 s else, they throw
/// `std::runtime_error` with what went wrong and the end of the broker's log. Not thread-safe.
class Broker {
 public:
    explicit Broker(const BrokerOptions& options = {});
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;
    ~Broker() = default;

    /// `amqp://guest:guest@127.0.0.1:PORT/`, the same for as long as it lives.
    const std::string& url() const noexcept { return url_; }
    /// `amqps://guest:guest@127.0.0.1:PORT/`; empty without `BrokerOptions::tls`.
    const std::string& tls_url() const noexcept { return tls_url_; }

    /// In order: it closes its connections, and keeps what is durable.
    void stop();
    /// As it is, with SIGKILL.
    void kill();
    /// Again, after `stop` or `kill`, on the same port and with the same data.
    void start();
    /// Stops the process: its connections stay open, and nothing is answered.
    void pause();
    void resume();

    /// As when there is too little memory: it tells publishers that they are blocked, and reads no more of them.
    void raise_memory_alarm();
    void clear_memory_alarm();

    /// What `rabbitmqctl` says: `ctl("--quiet list_queues name messages")`. The words are quoted as in a shell.
    std::string ctl(const std::string& words);
    /// The value of an Erlang expression inside the broker, in far less time.
    std::string evaluate(const std::string& expression);

 private:
    /// Has a directory to remove, so it is waited for, also if the broker could not start.
    struct Script {
        ~Script();

        Process process;
    };

    /// Gives what is answered behind `ok`.
    std::string command(const std::string& line);

    Script script_;
    std::string url_;
    std::string tls_url_;
};

/// One for all that this process tests, started when it is first asked for. Who stops it starts it again.
Broker& shared_broker();

}  // namespace test
