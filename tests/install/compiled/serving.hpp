#pragma once

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <memory>

using Server = communica::SimpleServer<communica::AnyConnector>;

std::unique_ptr<Server> make_server(asio::io_context& context, communica::AnyConnector connector);
