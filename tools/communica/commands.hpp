// What the commands are told, and their functions.
#pragma once

#include "address.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tool {

/// How the program ends. The manual page has the same list.
enum Exit : int {
    succeeded = 0,
    failed = 1,         // in another way
    used_wrongly = 2,   // arguments, addresses
    not_connected = 3,  // nobody is there
    timed_out = 4,
    not_let_in = 5,        // a key, a certificate, a handshake
    connection_ended = 6,  // with the request on its way, or against the protocol
    request_at_fault = 7,  // says the other side: no such route, for instance
    handler_failed = 8,    // at the other side
    value_does_not_fit = 9,
    over_a_limit = 10,  // busy, draining, too large
    not_known_there = 11,
    breaks_old_clients = 12,  // of a contract
    breaks_new_clients = 13,  // with old servers
};

struct Common {
    Access access;
    bool json = false;
    double connect_timeout = 5;  // in seconds
};

enum class Format { json, msgpack, cbor };

struct AskOptions {
    std::string address;
    std::string route;
    std::optional<std::string> value;  // JSON; from standard input if it is "-"
    Format format = Format::json;
    std::vector<std::string> headers;  // NAME=TEXT
    double timeout = 30;               // in seconds; 0: none
    std::size_t repeat = 1;
    std::optional<std::size_t> count;  // items, of a stream
    bool reopen = false;               // a stream that was lost
};

struct TopOptions {
    std::string address;
    double interval = 1;  // in seconds
    bool once = false;
};

struct BenchOptions {
    std::string address;
    std::string route = "echo";
    std::string size = "64";
    std::optional<std::string> value;
    std::size_t depth = 1;
    double time = 5;
    bool raw = false;
};

struct ServeOptions {
    std::string address;
    std::string command;
    bool lines = false;
    std::size_t jobs = 4;
    std::string name;
};

struct TapOptions {
    std::string front;
    std::string target;
    std::string record;
    std::size_t width = 200;
};

struct ReplayOptions {
    std::string file;
    std::string target;
    double speed = 1;
};

struct ContractOptions {
    std::string before;
    std::string after;
    std::string address;
};

int run_list(const Common& common);
int run_describe(const Common& common, const std::string& address);
int run_top(const Common& common, const TopOptions& options);
int run_call(const Common& common, const AskOptions& options);
int run_notify(const Common& common, const AskOptions& options);
int run_watch(const Common& common, const AskOptions& options);
int run_bench(const Common& common, const BenchOptions& options);
int run_serve(const Common& common, const ServeOptions& options);
int run_tap(const Common& common, const TapOptions& options);
int run_replay(const Common& common, const ReplayOptions& options);
int run_contract_check(const Common& common, const ContractOptions& options);
int run_contract_save(const Common& common, const ContractOptions& options);

/// Says what went wrong, and gives the exit code for it.
int report(const Common& common, const std::exception_ptr& error);

}  // namespace tool
