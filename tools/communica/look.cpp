// ls, describe, contract

#include "client.hpp"
#include "output.hpp"

#include <communica/connectors/local.hpp>
#include <communica/plain_text.hpp>
#include <communica/schema/compatibility.hpp>
#include <communica/schema/contract.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <string_view>

namespace tool {

namespace {

using nlohmann::json;

/// Of the socket at which a `SharedMemoryConnector` is met.
constexpr std::string_view shared_memory_suffix = ".shm";

const std::string malformed = "its inspection is malformed: ";

// The options live in main.
// NOLINTBEGIN(*-reference-coroutine-parameters)

asio::awaitable<json> inspect(const Common& common, Address address) {
    auto client = co_await connect(common, address);
    const communica::RequestOptions request{.timeout = in_seconds(common.connect_timeout),
                                            .wait_for_connection = false};
    json said = co_await client->inspect(request);
    co_await client->close();
    co_return said;
}

/// What there is to say of a local server: its state, and what it says.
asio::awaitable<json> look_at(const Common& common, std::string name, std::string directory) {
    json entry;
    const bool is_shared_memory = name.ends_with(shared_memory_suffix);
    if (is_shared_memory) {
        name.erase(name.size() - shared_memory_suffix.size());
    }
    entry["name"] = (is_shared_memory ? "shm:" : "") + name;
    entry["directory"] = directory;
    communica::LocalOptions options;
    options.directory = directory;
    Access access;
    access.directory = directory;
    communica::Error error;
    bool is_connected = false;
    json said;
    try {
        const Address address =
            is_shared_memory ? shared_memory_address(name, access) : Address(communica::LocalConnector(name, options));
        auto client = co_await connect(common, address);
        is_connected = true;
        const communica::RequestOptions request{.timeout = in_seconds(common.connect_timeout),
                                                .wait_for_connection = false};
        said = co_await client->inspect(request);
        co_await client->close();
    } catch (...) {
        error = communica::Error::from(std::current_exception());
    }
    const bool is_stale = !is_connected && !communica::base::is_error_category(error.code.category());
    entry["state"] = is_stale ? "stale" : "alive";
    if (error.code) {
        entry["why"] = error.text();
    } else {
        entry["inspection"] = std::move(said);
    }
    co_return entry;
}

asio::awaitable<json> look_at_all(const Common& common, std::vector<std::filesystem::path> files) {
    json all = json::array();
    for (const auto& file : files) {
        all.push_back(co_await look_at(common, file.stem().string(), file.parent_path().string()));
    }
    co_return all;
}

// NOLINTEND(*-reference-coroutine-parameters)

/// The sockets where this user's servers listen; in the Python library's place those that are not there, too.
std::vector<std::filesystem::path> local_sockets(const Common& common) {
    std::map<std::string, std::filesystem::path> by_name;
    std::vector<std::filesystem::path> directories{common.access.directory};
    if (common.access.directory.empty()) {
        const auto python = std::filesystem::temp_directory_path() / "communica";
        directories = {std::filesystem::path(communica::local_directory()), python};
    }
    for (const auto& directory : directories) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
            if (entry.path().extension() == ".sock") {
                by_name.emplace(entry.path().stem().string(), entry.path());
            }
        }
    }
    std::vector<std::filesystem::path> files;
    for (const auto& [name, file] : by_name) {
        files.push_back(file);
    }
    return files;
}

/// A type as a programmer would write it down in a line.
std::string type_text(const json& schema, const json& root) {
    if (!schema.is_object()) {
        return "any";
    }
    if (schema.contains("x-converter")) {
        return schema.at("x-converter").get<std::string>();
    }
    if (schema.contains("$ref")) {
        return schema.at("$ref").get<std::string>().substr(std::string("#/$defs/").size());
    }
    if (schema.contains("anyOf")) {
        std::string text;
        for (const auto& one : schema.at("anyOf")) {
            text += (text.empty() ? "" : " | ") + type_text(one, root);
        }
        return text;
    }
    if (schema.contains("prefixItems")) {
        std::string text;
        for (const auto& one : schema.at("prefixItems")) {
            const std::string name = one.is_object() ? one.value("title", "") : "";
            text += (text.empty() ? "[" : ", ") + (name.empty() ? "" : name + ": ") + type_text(one, root);
        }
        return text + "]";
    }
    if (schema.value("type", "") == "array") {
        return "[" + type_text(schema.at("items"), root) + "...]";
    }
    const communica::schema::View view(schema, root);
    if (view.kind() == communica::schema::View::Kind::object && view.is_map()) {
        return "{text: " + type_text(schema.at("additionalProperties"), root) + "}";
    }
    return view.words();
}

std::string argument_text(const json& schema) {
    if (schema.value("type", "") == "null") {
        return "()";
    }
    return "(" + type_text(schema, schema) + ")";
}

void print_route(const json& route, std::map<std::string, json>& structs) {
    std::cout << "  " << paint(Colour::blue, route.at("route").get<std::string>(), std::cout);
    for (const char* part : {"argument", "upload", "items", "result"}) {
        if (route.contains(part) && route.at(part).contains("$defs")) {
            for (const auto& [name, schema] : route.at(part).at("$defs").items()) {
                structs.emplace(name, json{{"schema", schema}, {"root", route.at(part)}});
            }
        }
    }
    const std::string kind = route.at("kind");
    if (route.contains("argument")) {
        std::cout << argument_text(route.at("argument"));
        if (route.contains("upload")) {
            std::cout << " takes " << type_text(route.at("upload"), route.at("upload")) << "...";
        }
        if (route.contains("items")) {
            std::cout << " -> " << type_text(route.at("items"), route.at("items")) << "...";
        } else if (kind != "notification") {
            std::cout << " -> " << type_text(route.at("result"), route.at("result"));
        }
    }
    std::cout << paint(Colour::grey,
                       "  " + kind +
                           (route.value("serializer", "json") == "json" ? "" : ", " + route.value("serializer", "")),
                       std::cout)
              << '\n';
    if (route.contains("doc")) {
        std::cout << "      " << route.at("doc").get<std::string>() << '\n';
    }
}

void print_struct(const std::string& name, const json& schema, const json& root) {
    std::cout << "  " << name << '\n';
    const communica::schema::View view(schema, root);
    for (const auto& [field, type] : view.properties().items()) {
        std::cout << "    " << padded(field + (view.requires_property(field) ? "" : "?"), 16) << ' '
                  << type_text(type, root);
        if (type.contains("description")) {
            std::cout << paint(Colour::grey, "  " + type.at("description").get<std::string>(), std::cout);
        }
        std::cout << '\n';
    }
}

void print_numbers(const json& values) {
    std::size_t width = 26;
    for (const auto& [key, value] : values.items()) {
        width = std::max(width, key.size() + 2);
    }
    for (const auto& [key, value] : values.items()) {
        if (value.is_number()) {
            std::cout << "  " << padded(key, width) << value << '\n';
        }
    }
}

void print_inspection(const json& said) {
    const std::string name = said.value("name", "");
    std::cout << (name.empty() ? "a server" : name)
              << (said.value("version", "").empty() ? "" : " " + said.value("version", "")) << " at "
              << said.value("address", "") << '\n';
    if (said.value("mode", "") == "simple") {
        std::cout << "\none handler for all messages, without routes\n";
    } else {
        std::map<std::string, json> structs;
        std::cout << "\nroutes\n";
        for (const auto& route : said.at("routes")) {
            print_route(route, structs);
        }
        if (!structs.empty()) {
            std::cout << "\ntypes\n";
        }
        for (const auto& [struct_name, found] : structs) {
            print_struct(struct_name, found.at("schema"), found.at("root"));
        }
    }
    std::cout << "\nclients: " << said.value("connected", 0) << '\n';
    for (const auto& client : said.at("clients")) {
        std::cout << "  " << padded(client.value("id", ""), 34)
                  << padded(std::to_string(client.value("at_work", 0)) + " at work", 12) << "for "
                  << time_text(client.value("connected_for", 0.0));
        for (const char* key : {"pid", "uid", "sid", "subject"}) {
            if (client.contains(key)) {
                const auto& value = client.at(key);
                std::cout << "  " << key << ' ' << (value.is_string() ? value.get<std::string>() : value.dump());
            }
        }
        std::cout << '\n';
    }
    if (said.contains("counters") && said.at("counters").is_object()) {
        std::cout << "\ncounters\n";
        print_numbers(said.at("counters"));
        for (const auto& failure : said.at("counters").value("failures", json::array())) {
            std::cout << "  failed: " << failure.value("route", "") << ": " << failure.value("error", "") << ", "
                      << failure.value("count", 0) << " times\n";
        }
    }
    std::cout << "\nlimits\n";
    print_numbers(said.at("limits"));
    std::cout << std::flush;
}

/// Its clients and its routes, in a line. Throws nlohmann/json's exceptions.
std::string summary_of(const json& inspection) {
    const auto connected = inspection.value("connected", std::uint64_t{1});
    std::string routes;
    for (const auto& route : inspection.at("routes")) {
        routes += (routes.empty() ? "" : ", ") + route.value("route", "");
    }
    return std::to_string(connected == 0 ? 0 : connected - 1) + " clients  " +  // this one is none
           (inspection.value("mode", "") == "simple" ? "(no routes)" : routes);
}

std::string words_of(const json& entry) {
    if (!entry.contains("inspection")) {
        return paint(Colour::grey, entry.value("why", ""), std::cout);
    }
    try {
        return summary_of(entry.at("inspection"));
    } catch (const json::exception& e) {
        return paint(Colour::grey, malformed + communica::base::without_controls(e.what()), std::cout);
    }
}

void print_list(const json& all) {
    std::size_t width = 4;
    for (const auto& entry : all) {
        width = std::max(width, entry.value("name", "").size());
    }
    for (const auto& entry : all) {
        const std::string state = entry.at("state");
        std::cout << padded(entry.value("name", ""), width) << "  "
                  << paint(state == "alive" ? Colour::green : Colour::red, padded(state, 5), std::cout) << "  "
                  << words_of(entry) << '\n';
    }
    std::cout << std::flush;
}

json read_contract(const std::string& path) {
    try {
        return json::parse(read_file(path));
    } catch (const json::exception& e) {
        throw std::system_error(communica::errc::invalid_argument, path + " is no JSON: " + e.what());
    }
}

}  // namespace

int run_list(const Common& common) {
    asio::io_context context;
    Common quick = common;
    quick.connect_timeout = std::min(common.connect_timeout, 1.0);
    const json all = run(context, look_at_all(quick, local_sockets(common)));
    if (common.json) {
        std::cout << json_text(all, 2) << std::endl;
    } else {
        print_list(without_controls(all));
    }
    return succeeded;
}

int run_describe(const Common& common, const std::string& address) {
    asio::io_context context;
    const json said = run(context, inspect(common, parse_address(address, common.access)));
    if (common.json) {
        std::cout << json_text(said, 2) << std::endl;
        return succeeded;
    }
    try {
        print_inspection(without_controls(said));
    } catch (const json::exception& e) {
        std::cout << std::flush;
        throw std::system_error(communica::errc::protocol_error, malformed + e.what());
    }
    return succeeded;
}

int run_contract_save(const Common& common, const ContractOptions& options) {
    asio::io_context context;
    const json said = run(context, inspect(common, parse_address(options.address, common.access)));
    try {
        std::cout << json_text(communica::contract_of(said.at("routes")), 2) << std::endl;
    } catch (const json::exception& e) {
        throw std::system_error(communica::errc::protocol_error, malformed + e.what());
    }
    return succeeded;
}

int run_contract_check(const Common& common, const ContractOptions& options) {
    std::vector<communica::ContractChange> changes;
    try {
        changes = communica::compare_contracts(read_contract(options.before), read_contract(options.after));
    } catch (const std::logic_error& e) {  // it is no contract, or too large a one
        throw std::system_error(communica::errc::invalid_argument, e.what());
    } catch (const json::exception& e) {
        throw std::system_error(communica::errc::invalid_argument, std::string("this is no contract: ") + e.what());
    }
    bool old_clients = false;
    bool new_clients = false;
    json all = json::array();
    for (const auto& change : changes) {
        old_clients = old_clients || change.breaks_old_clients;
        new_clients = new_clients || change.breaks_new_clients;
        if (common.json) {
            all.push_back({{"sentence", change.sentence},
                           {"breaks_old_clients", change.breaks_old_clients},
                           {"breaks_new_clients", change.breaks_new_clients}});
        } else {
            std::cout << paint(change.breaks_old_clients   ? Colour::red
                               : change.breaks_new_clients ? Colour::yellow
                                                           : Colour::green,
                               communica::base::without_controls(change.sentence), std::cout)
                      << '\n';
        }
    }
    if (common.json) {
        std::cout << json_text(all, 2) << '\n';
    }
    std::cout << std::flush;
    return old_clients ? breaks_old_clients : new_clients ? breaks_new_clients : succeeded;
}

}  // namespace tool
