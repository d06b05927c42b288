// The library as users meet it: all of its headers and examples in one file, for what the compilers warn of when they optimise.
// As users do, it is compiled without -isystem for the library; Asio and nlohmann/json have it.
//
// What belongs to a library that is not there is left out, as the parts of the build are.
#include <communica/communica.hpp>
#include <communica/files/directory.hpp>
#include <communica/files/send_receive.hpp>
#include <communica/observing/prometheus.hpp>
#include <communica/observing/trace_context.hpp>
#include <communica/schema/compatibility.hpp>
#include <communica/schema/contract.hpp>
#include <communica/schema/contract_check.hpp>
#include <communica/schema/described_table.hpp>

#if __has_include(<openssl/ssl.h>)
#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>
#endif
#if __has_include(<simdjson.h>)
#include <communica/serializers/fast_json.hpp>
#endif
#if __has_include(<amqp.h>)
#include <communica/connectors/rabbitmq.hpp>
#if __has_include(<openssl/ssl.h>)
#include <communica/connectors/rabbitmq_tls.hpp>
#endif
#endif

// What the examples include: not inside the names below.
#include <asio/bind_executor.hpp>
#include <asio/execution.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// A main returns of itself, and no other function does.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wreturn-type"
#endif

#define main main_of_binary_routes
#define serve serve_of_binary_routes
#define talk talk_of_binary_routes
#include "examples/binary_routes.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_calculator_client
#define serve serve_of_calculator_client
#define talk talk_of_calculator_client
#include "examples/calculator_client.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_calculator_server
#define serve serve_of_calculator_server
#define talk talk_of_calculator_server
#include "examples/calculator_server.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_callback_client
#define serve serve_of_callback_client
#define talk talk_of_callback_client
#include "examples/callback_client.cpp"
#undef main
#undef serve
#undef talk

#if __has_include(<simdjson.h>)
#define main main_of_fast_json
#define serve serve_of_fast_json
#define talk talk_of_fast_json
#include "examples/fast_json.cpp"
#undef main
#undef serve
#undef talk
#endif

#define main main_of_file_server
#define serve serve_of_file_server
#define talk talk_of_file_server
#include "examples/file_server.cpp"
#undef main
#undef serve
#undef talk

#if __has_include(<glib-unix.h>)
#define main main_of_glib_loop
#define serve serve_of_glib_loop
#define talk talk_of_glib_loop
#include "examples/glib_loop.cpp"
#undef main
#undef serve
#undef talk
#endif

#define main main_of_key_value_client
#define serve serve_of_key_value_client
#define talk talk_of_key_value_client
#include "examples/key_value_client.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_key_value_server
#define serve serve_of_key_value_server
#define talk talk_of_key_value_server
#include "examples/key_value_server.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_lent_bodies
#define serve serve_of_lent_bodies
#define talk talk_of_lent_bodies
#include "examples/lent_bodies.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_open_files
#define serve serve_of_open_files
#define talk talk_of_open_files
#include "examples/open_files.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_own_serializer
#define serve serve_of_own_serializer
#define talk talk_of_own_serializer
#include "examples/own_serializer.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_parent_child
#define serve serve_of_parent_child
#define talk talk_of_parent_child
#include "examples/parent_child.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_poll_loop
#define serve serve_of_poll_loop
#define talk talk_of_poll_loop
#include "examples/poll_loop.cpp"
#undef main
#undef serve
#undef talk

#if __has_include(<amqp.h>)
#define main main_of_rabbitmq_client
#define serve serve_of_rabbitmq_client
#define talk talk_of_rabbitmq_client
#include "examples/rabbitmq_client.cpp"
#undef main
#undef serve
#undef talk
#endif

#if __has_include(<amqp.h>)
#define main main_of_rabbitmq_server
#define serve serve_of_rabbitmq_server
#define talk talk_of_rabbitmq_server
#include "examples/rabbitmq_server.cpp"
#undef main
#undef serve
#undef talk
#endif

#define main main_of_route_client
#define serve serve_of_route_client
#define talk talk_of_route_client
#include "examples/route_client.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_route_server
#define serve serve_of_route_server
#define talk talk_of_route_server
#include "examples/route_server.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_send_file
#define serve serve_of_send_file
#define talk talk_of_send_file
#include "examples/send_file.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_simple_client
#define serve serve_of_simple_client
#define talk talk_of_simple_client
#include "examples/simple_client.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_simple_server
#define serve serve_of_simple_server
#define talk talk_of_simple_server
#include "examples/simple_server.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_stream_client
#define serve serve_of_stream_client
#define talk talk_of_stream_client
#include "examples/stream_client.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_stream_server
#define serve serve_of_stream_server
#define talk talk_of_stream_server
#include "examples/stream_server.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_sync_client
#define serve serve_of_sync_client
#define talk talk_of_sync_client
#include "examples/sync_client.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_typed_models
#define serve serve_of_typed_models
#define talk talk_of_typed_models
#include "examples/typed_models.cpp"
#undef main
#undef serve
#undef talk

#define main main_of_worker_pool
#define serve serve_of_worker_pool
#define talk talk_of_worker_pool
#include "examples/worker_pool.cpp"
#undef main
#undef serve
#undef talk
