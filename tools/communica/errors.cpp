#include "commands.hpp"
#include "output.hpp"

#include <nlohmann/json.hpp>

#include <communica/error.hpp>
#include <communica/plain_text.hpp>

#include <iostream>
#include <sstream>
#include <string>

namespace tool {

namespace {

Exit exit_of(const communica::Error& error) {
    using communica::errc;
    if (!communica::base::is_error_category(error.code.category())) {
        return not_connected;  // refused, no such file, no such host: the system's word
    }
    switch (static_cast<errc>(error.code.value())) {
        case errc::not_connected: return not_connected;
        case errc::timeout: return timed_out;
        case errc::handshake_failed:
        case errc::authentication_failed:
        case errc::incompatible_contract: return not_let_in;
        case errc::closed:
        case errc::connection_lost:
        case errc::replaced:
        case errc::protocol_error:
        case errc::slow_peer: return connection_ended;
        case errc::requester_error: return request_at_fault;
        case errc::responder_error:
        case errc::unknown_error: return handler_failed;
        case errc::serializer_error: return value_does_not_fit;
        case errc::message_too_large:
        case errc::busy:
        case errc::queue_full:
        case errc::draining: return over_a_limit;
        case errc::not_supported: return not_known_there;
        case errc::invalid_argument:
        case errc::invalid_state: return used_wrongly;
    }
    return failed;
}

/// The text without control characters but line ends: what a command has said at the other side may have several lines.
std::string shown(const std::string& text) {
    std::istringstream lines(text);
    std::string all;
    for (std::string line; std::getline(lines, line);) {
        all.append(all.empty() ? "" : "\n").append(communica::base::without_controls(line));
    }
    return all;
}

}  // namespace

int report(const Common& common, const std::exception_ptr& exception) {
    const auto error = communica::Error::from(exception);
    const bool is_system_error = [&] {
        try {
            std::rethrow_exception(exception);
        } catch (const std::system_error&) {
            return true;
        } catch (...) {
            return false;
        }
    }();
    const Exit code = is_system_error ? exit_of(error) : failed;
    if (common.json) {
        nlohmann::json json;
        json["error"]["message"] = error.text();
        json["error"]["code"] = error.code.message();
        json["error"]["exit"] = static_cast<int>(code);
        if (error.status) {
            json["error"]["status"] = *error.status;
        }
        std::cout << json_text(json) << std::endl;
    } else {
        std::cerr << paint(Colour::red, "communica: ", std::cerr) << shown(error.text())
                  << (error.status ? " (" + std::to_string(*error.status) + ")" : "") << std::endl;
    }
    return code;
}

}  // namespace tool
