// A RabbitMQ broker for tests: the node that support/rabbitmq_broker runs.
#pragma once

#include "process.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace test {

struct BrokerOptions {
    std::uint16_t port = 0;  ///< 0: a free one
    /// Paths of a certificate, its key and the authority that vouches for clients, as PEM; with them it also listens for TLS.
    std::vector<std::string> tls = {};
};

/// A broker of its own, which listens on 127.0.0.1 alone. It ends with this object, and also if this process is killed.
///
/// Calls block until what they ask for is so. They throw at a deadline of 60 s, or with what went wrong and the end of the
/// broker's log. Not thread-safe.
class Broker {
 public:
    explicit Broker(const BrokerOptions& options = {});
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;
    ~Broker();

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
    /// Gives what is answered behind `ok`.
    std::string command(const std::string& line);

    Process process_;
    std::string url_;
    std::string tls_url_;
};

/// One for all that this process tests, started when it is first asked for. Who stops it starts it again.
Broker& shared_broker();

}  // namespace test
