// One end of a TLS channel over a socket.
#pragma once

#include "../../asio.hpp"
#include "../../asio/sockets.hpp"
#include "../../asio/ssl.hpp"
#include "../../error.hpp"
#include "../../wire/handshake.hpp"
#include "socket.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace communica::detail {

/// Asio's TLS stream for `stream::StreamConnection`, with the requirements of its handshake. Always at least TLS 1.2
/// (RFC 8996), whatever the context says, and no renegotiation.
class TlsStream {
 public:
    using executor_type = Socket::executor_type;

    TlsStream(Socket socket, std::shared_ptr<asio::ssl::context> context, asio::ssl::stream_base::handshake_type side)
        : context_(std::move(context)), stream_(std::move(socket), *context_), side_(side) {
        SSL_set_min_proto_version(ssl(), TLS1_2_VERSION);
        SSL_set_options(ssl(), SSL_OP_NO_RENEGOTIATION);
    }

    /// Requires the peer to prove that it is this host: its certificate must name the host, and the context must trust
    /// its issuer.
    void require_host(const std::string& host) {
        SSL_set_verify(ssl(), SSL_VERIFY_PEER, nullptr);
        X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl());
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        const int known = host.empty()       ? 0  // OpenSSL would accept any host
                          : is_numeric(host) ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())
                                             : X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size());
        if (known != 1) {
            throw std::system_error(errc::invalid_argument, "not a host that a certificate can name: " + host);
        }
    }
    /// Accepts any peer, whatever the context says.
    void require_nobody() { SSL_set_verify(ssl(), SSL_VERIFY_NONE, nullptr); }

    /// Tells the peer the requested host (SNI, RFC 6066, which excludes numeric addresses).
    void name_host(const std::string& host) {
        // The body of the macro SSL_set_tlsext_host_name, whose cast would raise a user's -Wold-style-cast.
        if (!is_numeric(host) && SSL_ctrl(ssl(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                          const_cast<char*>(host.c_str())) == 0) {
            throw std::system_error(errc::invalid_argument, "not a host that TLS can name: " + host);
        }
    }

    /// Runs the TLS handshake. Throws `errc::handshake_failed`, or `authentication_failed` if a certificate is refused,
    /// with the cause in the text.
    asio::awaitable<void> handshake() {
        const auto [error] = co_await stream_.async_handshake(side_, no_throw);
        if (!error) {
            co_return;
        }
        if (side_ == asio::ssl::stream_base::server && is_plain_text(error)) {  // OpenSSL has no alert for it
            const std::string refusal = wire::frame_refusal("this server speaks TLS");
            co_await asio::async_write(stream_.next_layer(), asio::buffer(refusal), no_throw);
        }
        throw std::system_error(is_about_identity(error) ? errc::authentication_failed : errc::handshake_failed,
                                "TLS: " + cause_of(error));
    }

    /// Has one side refused the other's certificate?
    static bool is_about_identity(const asio::error_code& error) {
        switch (reason_of(error)) {
            case SSL_R_CERTIFICATE_VERIFY_FAILED:
            case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
            case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
            case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
            case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
            case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
            case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            case SSL_R_TLSV1_ALERT_UNKNOWN_CA: return true;
            default: return false;
        }
    }

    /// The subject of the peer's verified certificate, if it presented one, as in RFC 2253: `CN=worker,O=Example`.
    std::optional<std::string> subject() const {
        if ((SSL_get_verify_mode(ssl()) & SSL_VERIFY_PEER) == 0) {
            return std::nullopt;
        }
        const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get_peer_certificate(ssl()), &X509_free);
        const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
        if (!certificate || !text ||
            X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253) < 0) {
            return std::nullopt;
        }
        char* begin = nullptr;
        const auto size = BIO_get_mem_data(text.get(), &begin);
        return std::string(begin, static_cast<std::size_t>(size));
    }

    /// Identifies this TLS channel: its exported keying material (RFC 9266).
    std::string binding() const {
        std::string key(32, '\0');
        constexpr std::string_view label = "EXPORTER-Channel-Binding";
        const bool is_unique =  // without it, two channels may export the same (RFC 7627)
            SSL_version(ssl()) >= TLS1_3_VERSION || SSL_get_extms_support(ssl()) == 1;
        if (!is_unique || SSL_export_keying_material(ssl(), reinterpret_cast<unsigned char*>(key.data()), key.size(),
                                                     label.data(), label.size(), nullptr, 0, 0) != 1) {
            throw std::system_error(errc::authentication_failed, "a TLS channel that nothing can be bound to");
        }
        return "tls" + key;
    }

    executor_type get_executor() { return stream_.get_executor(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return stream_.async_read_some(buffers, std::forward<Token>(token));
    }
    /// Reads from records that have already arrived. `async_read_some` returns one record at a time and needs a round
    /// of the event loop for the next, so that many small ones were answered one by one (64 requests at once: 2.3 times
    /// raw Asio with this, 4.1 without). Leaves errors to the next read.
    std::size_t read_pending(asio::mutable_buffer buffer) {
        const asio::mutable_buffer all = buffer;
        const auto is_there = [this] { return SSL_pending(ssl()) != 0 || BIO_ctrl_pending(SSL_get_rbio(ssl())) != 0; };
        for (std::size_t count = 0; buffer.size() != 0 && is_there(); buffer += count) {
            if (SSL_read_ex(ssl(), buffer.data(), buffer.size(), &count) != 1) {
                ERR_clear_error();
                break;
            }
        }
        return all.size() - buffer.size();
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return stream_.async_write_some(buffers, std::forward<Token>(token));
    }
    /// Sends close_notify and waits for the peer's. No read may be pending.
    template <class Token>
    auto async_shutdown(Token&& token) {
        return stream_.async_shutdown(std::forward<Token>(token));
    }
    /// Sends close_notify while reads continue. Asio's `async_shutdown` is not used: it also reads, and a concurrent
    /// read that completes makes both fill one buffer (Asio 1.22 to 1.36); and it ends at the next byte received, which
    /// is lost. No write may be pending.
    template <class Token>
    auto async_shutdown_send(Token&& token) {
        BIO* const end = BIO_new(BIO_s_mem());
        if (end != nullptr) {
            SSL_set0_wbio(ssl(), end);
            SSL_shutdown(ssl());
            ERR_clear_error();
        }
        char* record = nullptr;
        const auto size = end != nullptr ? BIO_get_mem_data(end, &record) : 0;
        return asio::async_write(stream_.next_layer(), asio::buffer(record, static_cast<std::size_t>(size)),
                                 std::forward<Token>(token));
    }
    std::size_t available(asio::error_code& error) { return stream_.next_layer().available(error); }
    void close(asio::error_code& error) { stream_.next_layer().close(error); }

 private:
    SSL* ssl() const { return const_cast<Stream&>(stream_).native_handle(); }

    static bool is_numeric(const std::string& host) {
        asio::error_code error;
        asio::ip::make_address(host, error);
        return !error;
    }

    std::string cause_of(const asio::error_code& error) const {
        if (error == asio::error::eof || error == asio::error::connection_reset ||
            error == asio::ssl::error::stream_truncated) {
            return "the other side closed the connection";
        }
        if (is_plain_text(error)) {
            return "the other side does not speak TLS";
        }
        if (reason_of(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
            return std::string("the other side's certificate is refused: ") +
                   X509_verify_cert_error_string(SSL_get_verify_result(ssl()));
        }
        return error.message();
    }

    static int reason_of(const asio::error_code& error) {
        return error.category() == asio::error::get_ssl_category()
                   ? ERR_GET_REASON(static_cast<unsigned long>(error.value()))
                   : 0;
    }
    static bool is_plain_text(const asio::error_code& error) {
        return reason_of(error) == SSL_R_WRONG_VERSION_NUMBER || reason_of(error) == SSL_R_HTTP_REQUEST;
    }

    using Stream = asio::ssl::stream<Socket>;

    std::shared_ptr<asio::ssl::context> context_;
    Stream stream_;
    asio::ssl::stream_base::handshake_type side_;
};

}  // namespace communica::detail
