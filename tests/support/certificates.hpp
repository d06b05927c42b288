// Certificates, made for a test.
#pragma once

#include <asio/ssl/context.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace test {

struct CertificateOptions {
    std::string common_name = {};
    /// As OpenSSL writes them: `DNS:localhost, IP:127.0.0.1`.
    std::string alternative_names = "DNS:localhost, IP:127.0.0.1, IP:::1";
    std::chrono::seconds valid_from = std::chrono::hours{-1};  ///< from now
    std::chrono::seconds valid_until = std::chrono::hours{1};
};

/// A certificate and its private key.
class Certificate {
 public:
    /// Vouched for by `issuer`; by itself if there is none.
    explicit Certificate(const CertificateOptions& options, const Certificate* issuer = nullptr)
        : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), certificate_(X509_new(), &X509_free) {
        require(key_ && certificate_);
        X509* const it = certificate_.get();
        static long serial = 0;
        require(X509_set_version(it, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(it), ++serial) == 1);
        X509_gmtime_adj(X509_getm_notBefore(it), static_cast<long>(options.valid_from.count()));
        X509_gmtime_adj(X509_getm_notAfter(it), static_cast<long>(options.valid_until.count()));
        require(X509_set_pubkey(it, key_.get()) == 1);
        name("O", "communica");
        name("CN", options.common_name);
        const Certificate& by = issuer != nullptr ? *issuer : *this;
        require(X509_set_issuer_name(it, X509_get_subject_name(by.certificate_.get())) == 1);
        extend(by, NID_basic_constraints, issuer != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
        extend(by, NID_subject_alt_name, options.alternative_names);
        // What OpenSSL asks for when it is strict (X509_V_FLAG_X509_STRICT), as Python does from 3.13 on.
        extend(by, NID_key_usage,
               issuer != nullptr ? "critical,digitalSignature" : "critical,digitalSignature,keyCertSign,cRLSign");
        extend(by, NID_subject_key_identifier, "hash");
        extend(by, NID_authority_key_identifier, "keyid:always");  // the subject's, above, if it vouches for itself
        require(X509_sign(it, by.key_.get(), EVP_sha256()) != 0);
    }

    std::string pem() const {
        return written([this](BIO* to) { return PEM_write_bio_X509(to, certificate_.get()); });
    }
    std::string key_pem() const {
        return written([this](BIO* to) {
            return PEM_write_bio_PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }

    /// Shows this certificate.
    void show_in(asio::ssl::context& context) const {
        const std::string certificate = pem();
        const std::string key = key_pem();
        context.use_certificate_chain(asio::buffer(certificate));
        context.use_private_key(asio::buffer(key), asio::ssl::context::pem);
    }
    /// Trusts this certificate, and whatever it vouches for.
    void trust_in(asio::ssl::context& context) const {
        const std::string certificate = pem();
        context.add_certificate_authority(asio::buffer(certificate));
    }

 private:
    static void require(bool done) {
        if (!done) {
            throw std::runtime_error("OpenSSL can't make a certificate");
        }
    }

    void name(const char* field, const std::string& value) {
        require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate_.get()), field, MBSTRING_UTF8,
                                           reinterpret_cast<const unsigned char*>(value.data()),
                                           static_cast<int>(value.size()), -1, 0) == 1);
    }

    void extend(const Certificate& issuer, int kind, const std::string& value) {
        X509V3_CTX context{};
        X509V3_set_ctx(&context, issuer.certificate_.get(), certificate_.get(), nullptr, nullptr, 0);
        const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
            X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), &X509_EXTENSION_free);
        require(extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1);
    }

    template <class Write>
    static std::string written(Write write) {
        const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
        require(memory && write(memory.get()) == 1);
        char* begin = nullptr;
        const long size = BIO_get_mem_data(memory.get(), &begin);
        return {begin, static_cast<std::size_t>(size)};
    }

    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
    std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

}  // namespace test
