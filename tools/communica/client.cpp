#include "client.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/msgpack.hpp>

namespace tool {

// The options live in main.
// NOLINTNEXTLINE(*-reference-coroutine-parameters)
asio::awaitable<std::unique_ptr<Client>> connect(const Common& common, Address address) {
    communica::ClientOptions options;
    options.client_id = common.access.client_id;
    options.log = communica::no_log;
    options.backoff =
        communica::BackoffOptions{.first = std::chrono::milliseconds{50}, .most = std::chrono::seconds{1}};
    const auto executor = co_await asio::this_coro::executor;
    auto client = std::make_unique<Client>(executor, address, options);
    const communica::ConnectOptions once{.timeout = in_seconds(common.connect_timeout), .attempts = 1};
    co_await client->connect(once);
    co_return client;
}

std::string encode(Format format, const std::string& json) {
    const auto value = communica::JsonSerializer().load<nlohmann::json>(communica::as_bytes(json));
    communica::Buffer out;
    switch (format) {
        case Format::json: return json;
        case Format::msgpack: communica::MsgpackSerializer().dump(value, out); break;
        case Format::cbor: communica::CborSerializer().dump(value, out); break;
    }
    return std::string(out.text());
}

std::string decode(Format format, const std::string& bytes) {
    nlohmann::json value;
    switch (format) {
        case Format::json: return bytes;
        case Format::msgpack:
            value = communica::MsgpackSerializer().load<nlohmann::json>(communica::as_bytes(bytes));
            break;
        case Format::cbor: value = communica::CborSerializer().load<nlohmann::json>(communica::as_bytes(bytes)); break;
    }
    communica::Buffer out;
    communica::JsonSerializer().dump(value, out);
    return std::string(out.text());
}

}  // namespace tool
