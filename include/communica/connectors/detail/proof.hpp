// A shared secret, and proofs of knowing it. OpenSSL does the cryptography.
#pragma once

#include "../../error.hpp"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace communica {

/// A secret that both sides know, of 16 bytes to 4 KiB. Take it from a random source: an observer of a handshake can
/// try to guess it offline. Copies share the bytes. The last copy wipes them. They are never printed.
class SharedKey {
 public:
    static constexpr std::size_t min_size = 16;
    static constexpr std::size_t max_size = 4096;

    /// Throws `errc::invalid_argument` for a key of another size.
    explicit SharedKey(std::string_view bytes) {
        if (bytes.size() < min_size || bytes.size() > max_size) {
            throw std::system_error(errc::invalid_argument, "a shared key has 16 to 4096 bytes");
        }
        bytes_ = {new std::string(bytes), [](std::string* secret) {
                      OPENSSL_cleanse(secret->data(), secret->size());
                      delete secret;
                  }};
    }

    /// For the library: the bytes.
    std::string_view secret() const noexcept { return *bytes_; }

 private:
    std::shared_ptr<std::string> bytes_;
};

namespace detail {

using Digest = std::array<unsigned char, 32>;

inline std::string to_hex(const Digest& bytes) {
    std::string digits;
    for (const unsigned char byte : bytes) {
        digits += "0123456789abcdef"[byte >> 4];
        digits += "0123456789abcdef"[byte & 15];
    }
    return digits;
}

inline std::string random_nonce() {
    Digest bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw std::system_error(errc::authentication_failed, "OpenSSL has no random bytes");
    }
    return to_hex(bytes);
}

/// The proof of one side: HMAC-SHA256 (RFC 2104) of the side, the connection's binding, the client's hello, which has
/// its nonce, and the server's nonce. Each part is preceded by its length, so that their borders are unambiguous.
inline std::string proof(const SharedKey& key, std::string_view side, std::string_view binding, std::string_view hello,
                         std::string_view nonce) {
    std::string text;
    for (const std::string_view part : {side, binding, hello, nonce}) {
        text += std::to_string(part.size()) + ":";
        text += part;
    }
    Digest digest{};
    unsigned int size = digest.size();
    if (HMAC(EVP_sha256(), key.secret().data(), static_cast<int>(key.secret().size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size) == nullptr) {
        throw std::system_error(errc::authentication_failed, "OpenSSL can't compute a proof");
    }
    return to_hex(digest);
}

/// Compares in constant time.
inline bool is_same_proof(std::string_view one, std::string_view other) noexcept {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace detail
}  // namespace communica
