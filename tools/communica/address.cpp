#include "address.hpp"

#include <communica/connectors/descriptor.hpp>
#include <communica/connectors/local.hpp>
#include <communica/connectors/tcp.hpp>
#include <communica/peer/hello.hpp>

#include <nlohmann/json.hpp>

#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

namespace tool {

namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
    throw std::system_error(communica::errc::invalid_argument, "\"" + text + "\" is no address: " + why);
}

std::pair<std::string, std::uint16_t> host_and_port(const std::string& text, std::string_view rest) {
    const auto colon = rest.rfind(':');
    std::uint16_t port = 0;
    if (colon == rest.npos) {
        refuse(text, "it has no port");
    }
    const std::string_view digits = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        refuse(text, "its port is no number in 0..65535");
    }
    std::string_view host = rest.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {  // an IPv6 address
        host = host.substr(1, host.size() - 2);
    }
    return {std::string(host), port};
}

std::string own_id(const Access& access) {
    return access.client_id.empty() ? communica::peer::random_client_id() : access.client_id;
}

Address address_of_state(const std::string& text, const Access& access) {
    const auto state = nlohmann::json::parse(text, nullptr, false);
    const std::string type = state.is_object() ? state.value("type", "") : "";
    if (type == "LocalConnector") {
        return Address(communica::LocalConnector::load_state(text));
    }
    if (type == "DescriptorConnector") {
        return Address(communica::DescriptorConnector::load_state(text));
    }
    if (type == "RABBITMQ") {
        return rabbitmq_address(state.value("url", ""), state.value("address", ""), own_id(access), access);
    }
    if (type == "SharedMemoryConnector") {
        return shared_memory_address_of_state(text);
    }
    if (type == "TcpConnector" && state.value("ssl", false)) {
        return tls_address(state.value("host", ""), state.value("port", std::uint16_t{0}), access);
    }
    return Address(communica::TcpConnector::load_state(text));
}

Address address_without_key(const std::string& text, const Access& access) {
    const std::string_view view = text;
    const auto colon = view.find(':');
    const std::string_view kind = view.substr(0, colon);
    if (view.starts_with('{')) {
        return address_of_state(text, access);
    }
    if (colon == view.npos) {
        refuse(text, "it begins with none of local:, shm:, tcp:, tls:, amqp://, amqps://");
    }
    const std::string_view rest = view.substr(colon + 1);
    if (kind == "local") {
        communica::LocalOptions options;
        options.directory = access.directory;
        return Address(communica::LocalConnector(std::string(rest), options));
    }
    if (kind == "shm") {
        return shared_memory_address(std::string(rest), access);
    }
    if (kind == "tcp") {
        const auto [host, port] = host_and_port(text, rest);
        return Address(communica::TcpConnector(host, port));
    }
    if (kind == "tls") {
        const auto [host, port] = host_and_port(text, rest);
        return tls_address(host, port, access);
    }
    if (kind == "amqp" || kind == "amqps") {
        const auto hash = text.find('#');
        if (hash == text.npos) {
            refuse(text, "behind the broker's URL stands # and the address at which the server is");
        }
        return rabbitmq_address(text.substr(0, hash), text.substr(hash + 1), own_id(access), access);
    }
    refuse(text, "it begins with none of local:, shm:, tcp:, tls:, amqp://, amqps://");
}

}  // namespace

Address Address::load_state(const std::string& text) { return address_of_state(text, {}); }

Address parse_address(const std::string& text, const Access& access) {
    const Address address = address_without_key(text, access);
    return access.key_file.empty() ? address : with_key_of(address, access.key_file);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::system_error(communica::errc::invalid_argument, "can't read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace tool
