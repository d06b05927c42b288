#include "serving.hpp"

#include <string>

std::unique_ptr<Server> make_server(asio::io_context& context, communica::AnyConnector connector) {
    return std::make_unique<Server>(context, std::move(connector),
                                    [](const std::string& text) { return "Thanks for your '" + text + "'!"; });
}
