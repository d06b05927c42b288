// The address of a RabbitMQ broker, and the login.
#pragma once

#include "../../error.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace communica::rabbitmq {

/// `amqp://user:password@host:5672/vhost?heartbeat=30`, as in the RabbitMQ URI Specification, with several hosts for a
/// cluster: `amqp://host,other:5673/vhost`. The hosts are tried in order, each for a part of ten seconds, until one
/// accepts the login. After an abandoned attempt the next one begins with the following host. `amqps` is over TLS.
///
/// User, password and vhost may be percent-encoded. As in other clients, an empty vhost is `/`.
struct Url {
    struct Host {
        std::string name;
        std::uint16_t port = 0;
        bool operator==(const Host&) const = default;
    };

    bool tls = false;
    std::vector<Host> hosts = {};  ///< at least one, tried in order
    std::string user = "guest";
    std::string password = "guest";
    std::string vhost = "/";
    std::uint16_t heartbeat = 10;  ///< seconds; 0: none

    bool operator==(const Url&) const = default;

    /// Throws `errc::invalid_argument`. The error text never has the password.
    static Url parse(std::string_view text);

    /// A text for people, with the password masked.
    std::string text() const {
        std::string list;
        for (const Host& host : hosts) {
            const bool is_ipv6 = host.name.find(':') != host.name.npos;
            list += (list.empty() ? "" : ",") + (is_ipv6 ? "[" + host.name + "]" : host.name) + ":" +
                    std::to_string(host.port);
        }
        return std::string(tls ? "amqps://" : "amqp://") + user + ":***@" + list + "/" + (vhost == "/" ? "" : vhost);
    }
};

namespace detail {

/// Parses a URL from its beginning to its end.
class UrlReader {
 public:
    explicit UrlReader(std::string_view text) : rest_(text) {}

    Url read() {
        read_scheme();
        const std::string_view authority = take_until("/?");
        const std::size_t at = authority.rfind('@');
        if (at != authority.npos) {
            read_user(authority.substr(0, at));
        }
        read_hosts(at == authority.npos ? authority : authority.substr(at + 1));
        if (rest_.starts_with('/')) {
            rest_.remove_prefix(1);
            read_vhost(take_until("?"));
        }
        if (rest_.starts_with('?')) {
            rest_.remove_prefix(1);
            read_query();
        }
        return url_;
    }

 private:
    [[noreturn]] static void fail(const std::string& why) {
        throw std::system_error(errc::invalid_argument, "a RabbitMQ URL " + why);
    }

    static char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; }

    std::string_view take_until(std::string_view ends) {
        const std::string_view taken = rest_.substr(0, rest_.find_first_of(ends));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    void read_scheme() {
        constexpr std::string_view mark = "://";
        const std::size_t end = rest_.find(mark);
        std::string scheme(rest_.substr(0, end));
        std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
        if (end == rest_.npos || (scheme != "amqp" && scheme != "amqps")) {
            fail("begins with amqp:// or amqps://");
        }
        url_.tls = scheme == "amqps";
        rest_.remove_prefix(end + mark.size());
    }

    void read_user(std::string_view text) {
        const std::size_t colon = text.find(':');
        url_.user = decode(text.substr(0, colon));
        if (colon != text.npos) {
            url_.password = decode(text.substr(colon + 1));
        }
    }

    void read_hosts(std::string_view list) {
        for (bool more = true; more;) {
            const std::size_t comma = list.find(',');
            url_.hosts.push_back(read_host(list.substr(0, comma)));
            more = comma != list.npos;
            list.remove_prefix(more ? comma + 1 : list.size());
        }
    }

    Url::Host read_host(std::string_view text) const {
        Url::Host host;
        std::string_view port;
        if (text.starts_with('[')) {  // an IPv6 address
            const std::size_t end = text.find(']');
            if (end == text.npos) {
                fail("has a [ without a ]");
            }
            host.name = text.substr(1, end - 1);
            port = text.substr(end + 1);
        } else {
            host.name = decode(text.substr(0, text.find(':')));
            port = text.substr(std::min(text.size(), text.find(':')));
        }
        if (host.name.empty()) {
            fail("names a host");
        }
        if (port.empty()) {
            host.port = url_.tls ? 5671 : 5672;
        } else {
            host.port = port.starts_with(':') ? read_number(port.substr(1), "port") : read_number({}, "port");
            if (host.port == 0) {
                fail("has no port 0");
            }
        }
        return host;
    }

    void read_vhost(std::string_view text) {
        if (text.find('/') != text.npos) {
            fail("has the slashes of its vhost encoded, as %2F");
        }
        if (!text.empty()) {
            url_.vhost = decode(text);
        }
    }

    void read_query() {
        while (!rest_.empty()) {
            const std::string_view pair = take_until("&");
            rest_.remove_prefix(std::min<std::size_t>(1, rest_.size()));
            const std::string_view key = pair.substr(0, pair.find('='));
            if (key != "heartbeat") {
                fail("has no parameter " + std::string(key) + " here; there is only heartbeat");
            }
            url_.heartbeat = read_number(pair.substr(std::min(pair.size(), key.size() + 1)), "heartbeat");
        }
    }

    static std::uint16_t read_number(std::string_view text, const char* what) {
        std::uint16_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
            fail(std::string("has a number of at most 65535 as its ") + what);
        }
        return number;
    }

    static std::string decode(std::string_view text) {
        std::string decoded;
        for (std::size_t at = 0; at != text.size(); ++at) {
            unsigned char byte = static_cast<unsigned char>(text[at]);
            if (byte == '%') {
                const std::string_view digits = text.substr(at + 1, 2);
                const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
                if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) {
                    fail("has a % that two hexadecimal digits do not follow");
                }
                at += 2;
            }
            decoded += static_cast<char>(byte);
        }
        return decoded;
    }

    std::string_view rest_;
    Url url_;
};

}  // namespace detail

inline Url Url::parse(std::string_view text) { return detail::UrlReader(text).read(); }

}  // namespace communica::rabbitmq
