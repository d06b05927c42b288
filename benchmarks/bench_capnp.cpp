// Cap'n Proto RPC between two parties, with its own event loop.

#include "harness.hpp"

#include "echo.capnp.h"

#include <capnp/ez-rpc.h>
#include <kj/async-io.h>

namespace {

using bench::Ticks;

class EchoServer final : public Echo::Server {
 public:
    kj::Promise<void> echo(EchoContext context) override {
        context.getResults().setData(context.getParams().getData());
        return kj::READY_NOW;
    }
};

std::string endpoint(const bench::Options& options) {
    return options.tcp ? "127.0.0.1:" + options.address : "unix:" + options.address;
}

/// The default limits the data read from one message to 64 MiB.
capnp::ReaderOptions no_limit() { return {.traversalLimitInWords = 1ULL << 60}; }

void serve(const bench::Options& options) {
    capnp::EzRpcServer server(kj::heap<EchoServer>(), endpoint(options).c_str(), 0, no_limit());
    server.getPort().wait(server.getWaitScope());  // until it listens
    bench::say_ready();
    kj::NEVER_DONE.wait(server.getWaitScope());
}

class Asker final : public kj::TaskSet::ErrorHandler {
 public:
    explicit Asker(const bench::Options& options)
        : client_(endpoint(options).c_str(), 0, no_limit()),
          echo_(client_.getMain<Echo>()),
          payload_(options.size),
          meter_(options),
          tasks_(*this) {}

    void run(int depth) {
        for (int i = 0; i != depth; ++i) {
            ask_again(bench::ticks());
        }
        kj::NEVER_DONE.wait(client_.getWaitScope());
    }

    void taskFailed(kj::Exception&& error) override { bench::fail(error.getDescription().cStr()); }

 private:
    void ask_again(Ticks begin) {
        auto request = echo_.echoRequest();
        request.setData({payload_.data(), payload_.size()});
        tasks_.add(request.send().then([this, begin](capnp::Response<Echo::EchoResults>&& answer) {
            if (answer.getData().size() != payload_.size()) {
                bench::fail("not what was sent");
            }
            ask_again(meter_.lap(begin));
        }));
    }

    capnp::EzRpcClient client_;
    Echo::Client echo_;
    std::vector<unsigned char> payload_;
    bench::Meter meter_;
    kj::TaskSet tasks_;
};

void measure_idle(const bench::Options& options) {
    std::vector<kj::Own<capnp::EzRpcClient>> clients;
    const auto connect = [&] {
        auto client = kj::heap<capnp::EzRpcClient>(endpoint(options).c_str(), 0, no_limit());
        client->getMain<Echo>().echoRequest().send().wait(client->getWaitScope());
        clients.push_back(kj::mv(client));
    };
    connect();
    const bench::IdleMeter meter(options);
    for (int i = 0; i != options.clients; ++i) {
        connect();
    }
    meter.report();
}

void ask(const bench::Options& options) {
    if (options.idle) {
        measure_idle(options);
    } else {
        Asker(options).run(options.depth);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
