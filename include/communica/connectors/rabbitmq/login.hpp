// The login to a broker.
#pragma once

#include "frames.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace communica::rabbitmq {

/// Appends user and password (SASL's PLAIN, RFC 4616), and this side's capabilities beyond AMQP 0-9-1.
inline void append_login(std::string& out, std::string_view user, std::string_view password) {
    constexpr std::array names{"publisher_confirms", "basic.nack", "consumer_cancel_notify", "connection.blocked",
                               "authentication_failure_close"};
    std::array<amqp_table_entry_t, names.size()> abilities{};
    for (std::size_t index = 0; index != names.size(); ++index) {
        abilities[index].key = amqp_cstring_bytes(names[index]);
        abilities[index].value.kind = AMQP_FIELD_KIND_BOOLEAN;
        abilities[index].value.value.boolean = 1;
    }
    std::array<amqp_table_entry_t, 2> properties{};
    properties[0].key = amqp_cstring_bytes("capabilities");
    properties[0].value.kind = AMQP_FIELD_KIND_TABLE;
    properties[0].value.value.table = {static_cast<int>(abilities.size()), abilities.data()};
    properties[1].key = amqp_cstring_bytes("product");
    properties[1].value.kind = AMQP_FIELD_KIND_UTF8;
    properties[1].value.value.bytes = amqp_cstring_bytes("communica");

    std::string credentials;
    credentials.append(1, '\0').append(user).append(1, '\0').append(password);
    append_method(out, 0, AMQP_CONNECTION_START_OK_METHOD,
                  amqp_connection_start_ok_t{{static_cast<int>(properties.size()), properties.data()},
                                             amqp_cstring_bytes("PLAIN"),
                                             bytes_of(credentials),
                                             amqp_cstring_bytes("en_US")});
}

/// The time for connecting and logging in to one of `count` hosts. If all but the last are silent, that one is still
/// reached within ten seconds, the time that a client has for connecting.
constexpr std::chrono::milliseconds time_for_host(std::size_t count) {
    constexpr std::chrono::milliseconds for_all{10'000};
    return count == 1 ? for_all : for_all / static_cast<int>(count + 1);
}

/// The default limit of a broker for messages: 16 MiB since version 4, 128 MiB before.
inline std::size_t usual_max_message(const amqp_table_t& server_properties) {
    constexpr std::size_t mebibyte = 1024 * 1024;
    for (int index = 0; index != server_properties.num_entries; ++index) {
        const amqp_table_entry_t& entry = server_properties.entries[index];
        if (text_of(entry.key) == "version" && entry.value.kind == AMQP_FIELD_KIND_UTF8) {
            const std::string_view of_broker = text_of(entry.value.value.bytes);
            return of_broker.size() > 1 && of_broker[0] < '4' && of_broker[1] == '.' ? 128 * mebibyte : 16 * mebibyte;
        }
    }
    return 16 * mebibyte;
}

}  // namespace communica::rabbitmq
