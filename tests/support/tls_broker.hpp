// A RabbitMQ broker over TLS, and who trusts it.
#pragma once

#include "broker.hpp"
#include "certificates.hpp"
#include "temporary_directory.hpp"

#include <asio/ssl/context.hpp>

#include <fstream>
#include <memory>
#include <string>

namespace test {

/// It has a certificate for 127.0.0.1 and broker.example, by an authority of its own.
class TlsBroker {
 public:
    const Broker& broker() const noexcept { return broker_; }
    const std::string& url() const noexcept { return broker_.tls_url(); }

    /// Of a client that trusts the authority.
    std::shared_ptr<asio::ssl::context> trusting() const {
        auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
        authority_.trust_in(*context);
        return context;
    }
    /// Of a server with the same certificate.
    std::shared_ptr<asio::ssl::context> showing() const {
        auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
        certificate_.show_in(*context);
        return context;
    }

 private:
    std::string written(const std::string& name, const std::string& text) const {
        const std::string path = directory_.path() + "/" + name;
        std::ofstream(path) << text;
        return path;
    }

    TemporaryDirectory directory_;
    Certificate authority_{{.common_name = "authority"}};
    Certificate certificate_{{.common_name = "broker", .alternative_names = "DNS:broker.example, IP:127.0.0.1"},
                             &authority_};
    Broker broker_{{.tls = {written("certificate.pem", certificate_.pem()), written("key.pem", certificate_.key_pem()),
                            written("authority.pem", authority_.pem())},
                    .settings = {"max_message_size = 134217728"}}};
};

}  // namespace test
