// communica: looks at servers of this library's, asks them, serves, measures, records.

#include "commands.hpp"

#include <CLI/CLI.hpp>

#include <communica/error.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <functional>
#include <map>
#include <string_view>
#include <system_error>

namespace {

using tool::Common;

/// Options that every command has.
void add_common(CLI::App& command, Common& common) {
    command.add_flag("--json", common.json, "Print JSON, errors too");
    command.add_option("--connect-timeout", common.connect_timeout, "Seconds to wait for a connection (5)")
        ->check(CLI::PositiveNumber);
    command.add_option("--key-file", common.access.key_file, "A file with the shared key of both sides");
    command.add_option("--ca-file", common.access.ca_file, "TLS: the authorities to trust, PEM (the system's)");
    command.add_option("--cert", common.access.certificate_file, "TLS: the certificate of this side, PEM");
    command.add_option("--cert-key", common.access.private_key_file, "TLS: its private key, PEM (in the same file)");
    command.add_option("--server-name", common.access.server_name,
                       "TLS: the name in the server's certificate (the host)");
    command.add_flag("--insecure", common.access.insecure, "TLS: take any certificate");
    command.add_option("--directory", common.access.directory, "Where local sockets lie (this user's directory)");
    command.add_option("--client-id", common.access.client_id, "By which the server knows this client (a random one)");
}

void add_asking(CLI::App& command, tool::AskOptions& options, const char* route) {
    static const std::map<std::string, tool::Format> formats{
        {"json", tool::Format::json}, {"msgpack", tool::Format::msgpack}, {"cbor", tool::Format::cbor}};
    command
        .add_option("ADDRESS", options.address,
                    "local:NAME, shm:NAME, tcp:HOST:PORT, tls:HOST:PORT, amqp://...#ADDRESS, amqps://... or a state")
        ->required();
    command.add_option("ROUTE", options.route, route)->required();
    command.add_option("VALUE", options.value, "JSON; - reads it from standard input (null)");
    command.add_option("--format", options.format, "json, msgpack or cbor, as the route has it (json)")
        ->transform(CLI::CheckedTransformer(formats));
    command.add_flag_callback("--msgpack", [&options] { options.format = tool::Format::msgpack; }, "--format msgpack");
    command.add_option("--header", options.headers, "NAME=TEXT, which the handler can read; several times");
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    Common common;
    CLI::App app("Looks at communica servers, asks them, serves, measures and records.", "communica");
    app.require_subcommand(1);
    app.set_version_flag("--version", COMMUNICA_VERSION);
    std::function<int()> chosen;
    const auto command = [&](const char* name, const char* what, CLI::App* above = nullptr) {
        CLI::App* const added = (above != nullptr ? above : &app)->add_subcommand(name, what);
        add_common(*added, common);
        return added;
    };

    auto* const list = command("ls", "Local servers of this user, with their routes");
    list->callback([&] { chosen = [&] { return tool::run_list(common); }; });

    std::string described;
    auto* const describe = command("describe", "Routes, types, limits, counters and clients of a server");
    describe->add_option("ADDRESS", described, "Of the server")->required();
    describe->callback([&] { chosen = [&] { return tool::run_describe(common, described); }; });

    tool::TopOptions topped;
    auto* const top = command("top", "Rates and times of a server's routes, again and again");
    top->add_option("ADDRESS", topped.address, "Of the server")->required();
    top->add_option("--interval", topped.interval, "Seconds between two pictures (1)")->check(CLI::PositiveNumber);
    top->add_flag("--once", topped.once, "End after the first interval, as without a terminal");
    top->callback([&] { chosen = [&] { return tool::run_top(common, topped); }; });

    tool::AskOptions asked;
    auto* const call = command("call", "Send a request, print the answer");
    add_asking(*call, asked, "The route; any text for a server without routes");
    call->add_option("--timeout", asked.timeout, "Seconds until it fails (30); 0: never")
        ->check(CLI::NonNegativeNumber);
    call->add_option("--repeat", asked.repeat, "So many times, one after the other (1)")->check(CLI::PositiveNumber);
    call->callback([&] { chosen = [&] { return tool::run_call(common, asked); }; });

    auto* const notify = command("notify", "Send a notification, and wait until it has arrived");
    add_asking(*notify, asked, "The route; any text for a server without routes");
    notify->add_option("--timeout", asked.timeout, "Seconds until it fails (30)")->check(CLI::NonNegativeNumber);
    notify->add_option("--repeat", asked.repeat, "So many times (1)")->check(CLI::PositiveNumber);
    notify->callback([&] { chosen = [&] { return tool::run_notify(common, asked); }; });

    auto* const watch = command("watch", "Open a stream, print its items, a line each");
    add_asking(*watch, asked, "The route of the stream");
    watch->add_option("--count", asked.count, "Items after which it ends (all)");
    watch->add_flag("--reopen", asked.reopen, "Open the stream again when the connection is lost");
    watch->callback([&] { chosen = [&] { return tool::run_watch(common, asked); }; });

    tool::BenchOptions measured;
    auto* const bench = command("bench", "Ask as fast as possible, print rates and latencies");
    bench->add_option("ADDRESS", measured.address, "Of the server")->required();
    bench->add_option("ROUTE", measured.route, "The route to ask (echo)");
    bench->add_option("VALUE", measured.value, "JSON to send (a text of --size)");
    bench->add_option("--depth", measured.depth, "Requests at a time (1)")->check(CLI::Range(1, 100'000));
    bench->add_option("--size", measured.size, "Of the text that is sent, as in 64, 1KiB or 1MiB (64)");
    bench->add_option("--time", measured.time, "Seconds (5)")->check(CLI::PositiveNumber);
    bench->add_flag("--raw", measured.raw, "Also measure Asio alone, over the same transport");
    bench->callback([&] { chosen = [&] { return tool::run_bench(common, measured); }; });

    tool::ServeOptions served;
    auto* const serve = command("serve", "A server whose answers a shell command gives");
    serve->add_option("ADDRESS", served.address, "Where it listens")->required();
    serve
        ->add_option("--exec", served.command, "The command: the value on its standard input, the answer on its output")
        ->required();
    serve->add_flag("--lines", served.lines, "One process for all requests, which answers a line with a line");
    serve->add_option("--jobs", served.jobs, "Processes at a time (4)")->check(CLI::Range(1, 256));
    serve->add_option("--name", served.name, "What describe says it is");
    serve->callback([&] { chosen = [&] { return tool::run_serve(common, served); }; });

    tool::TapOptions tapped;
    auto* const tap = command("tap", "A proxy that prints every message that goes through it");
    tap->add_option("FRONT", tapped.front, "Where the clients find it")->required();
    tap->add_option("TARGET", tapped.target, "Where the server is")->required();
    tap->add_option("--record", tapped.record, "Write the messages into this file, for replay, and print none");
    tap->add_option("--width", tapped.width, "Bytes of a body that are printed (200)");
    tap->callback([&] { chosen = [&] { return tool::run_tap(common, tapped); }; });

    tool::ReplayOptions replayed;
    auto* const replay = command("replay", "Send the requests that tap has recorded again");
    replay->add_option("FILE", replayed.file, "Of tap --record")->required();
    replay->add_option("TARGET", replayed.target, "Where the server is")->required();
    replay->add_option("--speed", replayed.speed, "So many times as fast (1); 0: without pauses")
        ->check(CLI::NonNegativeNumber);
    replay->callback([&] { chosen = [&] { return tool::run_replay(common, replayed); }; });

    tool::ContractOptions compared;
    auto* const contract = app.add_subcommand("contract", "Compare what servers have promised");
    contract->require_subcommand(1);
    auto* const check = command("check", "Say what a change breaks, and for whom", contract);
    check->add_option("OLD", compared.before, "The contract of before")->required();
    check->add_option("NEW", compared.after, "The contract of now")->required();
    check->callback([&] { chosen = [&] { return tool::run_contract_check(common, compared); }; });
    auto* const save = command("save", "Print the contract of a running server", contract);
    save->add_option("ADDRESS", compared.address, "Of the server")->required();
    save->callback([&] { chosen = [&] { return tool::run_contract_save(common, compared); }; });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0 && std::count(argv, argv + argc, std::string_view("--json")) != 0) {
            common.json = true;
            const std::system_error wrong(communica::errc::invalid_argument, error.what());
            return tool::report(common, std::make_exception_ptr(wrong));
        }
        return app.exit(error) == 0 ? tool::succeeded : tool::used_wrongly;
    }
    try {
        return chosen();
    } catch (...) {
        return tool::report(common, std::current_exception());
    }
}
