#include "broker.hpp"

#include <nlohmann/json.hpp>

#include <exception>
#include <stdexcept>

namespace test {
namespace {

std::vector<std::string> arguments_of(const BrokerOptions& options) {
    std::vector<std::string> arguments{"--port", std::to_string(options.port)};
    if (!options.tls.empty()) {
        arguments.emplace_back("--tls");
        arguments.insert(arguments.end(), options.tls.begin(), options.tls.end());
    }
    for (const std::string& setting : options.settings) {
        arguments.insert(arguments.end(), {"--setting", setting});
    }
    return arguments;
}

ProcessOptions process_options_of(const BrokerOptions& options) {
    ProcessOptions made;
    if (!options.directory.empty()) {
        made.environment.push_back("TMPDIR=" + options.directory);
    }
    return made;
}

std::string text_of(const std::string& json) { return nlohmann::json::parse(json).get<std::string>(); }

/// A line that does not say that something failed.
std::string success_of(const std::optional<std::string>& line, const std::string& what) {
    constexpr std::string_view error = "error ";
    if (!line) {
        throw std::runtime_error("the broker ended: " + what);
    }
    if (line->starts_with(error)) {
        throw std::runtime_error("the broker could not " + what + ": " + text_of(line->substr(error.size())));
    }
    return *line;
}

}  // namespace

Broker::Broker(const BrokerOptions& options)
    : script_{Process(COMMUNICA_TEST_DATA_DIR "/support/rabbitmq_broker", arguments_of(options),
                      process_options_of(options))} {
    const std::string urls = success_of(script_.process.read_line(), "start");
    const auto space = urls.find(' ');
    url_ = urls.substr(0, space);
    if (space != urls.npos) {
        tls_url_ = urls.substr(space + 1);
    }
}

Broker::Script::~Script() {
    process.end_input();
    try {
        process.wait();
    } catch (const std::exception&) {  // then it is killed
    }
}

std::string Broker::command(const std::string& line) {
    script_.process.write_line(line);
    constexpr std::string_view ok = "ok ";
    const std::string answer = success_of(script_.process.read_line(), line);
    return answer.size() > ok.size() ? answer.substr(ok.size()) : std::string();
}

void Broker::stop() { command("stop"); }
void Broker::kill() { command("kill"); }
void Broker::start() { command("start"); }
void Broker::pause() { command("pause"); }
void Broker::resume() { command("resume"); }
void Broker::raise_memory_alarm() { command("alarm on"); }
void Broker::clear_memory_alarm() { command("alarm off"); }

std::string Broker::ctl(const std::string& words) { return text_of(command("ctl " + words)); }
std::string Broker::evaluate(const std::string& expression) { return text_of(command("eval " + expression)); }

Broker& shared_broker() {
    static Broker broker;
    return broker;
}

}  // namespace test
