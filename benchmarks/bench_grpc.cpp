// gRPC: unary calls over completion queues, one thread on each side. With one request at a time the client uses the
// synchronous stub, which is gRPC's fastest way for that.

#include "harness.hpp"

#include "echo.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <memory>

namespace {

using bench::Ticks;

std::string endpoint(const bench::Options& options) {
    return options.tcp ? "127.0.0.1:" + options.address : "unix:" + options.address;
}

/// One call at the server: waits for a request, answers it and deletes itself. A request creates the next waiting call.
class ServedCall {
 public:
    ServedCall(bench::Echo::AsyncService& service, grpc::ServerCompletionQueue& queue)
        : service_(service), queue_(queue), writer_(&context_) {
        service.RequestCall(&context_, &request_, &writer_, &queue, &queue, this);
    }

    void proceed(bool ok) {
        if (answered_ || !ok) {
            delete this;
            return;
        }
        new ServedCall(service_, queue_);
        answered_ = true;
        bench::Payload answer;
        answer.mutable_data()->swap(*request_.mutable_data());
        writer_.Finish(answer, grpc::Status::OK, this);
    }

 private:
    bench::Echo::AsyncService& service_;
    grpc::ServerCompletionQueue& queue_;
    grpc::ServerContext context_;
    bench::Payload request_;
    grpc::ServerAsyncResponseWriter<bench::Payload> writer_;
    bool answered_ = false;
};

void serve(const bench::Options& options) {
    bench::Echo::AsyncService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(endpoint(options), grpc::InsecureServerCredentials());
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(&service);
    const auto queue = builder.AddCompletionQueue();
    const auto server = builder.BuildAndStart();
    if (!server) {
        bench::fail("the server does not start");
    }
    for (int i = 0; i != 4 * options.depth; ++i) {  // the number of waiting calls
        new ServedCall(service, *queue);
    }
    bench::say_ready();
    void* tag = nullptr;
    for (bool ok = false; queue->Next(&tag, &ok);) {
        static_cast<ServedCall*>(tag)->proceed(ok);
    }
}

std::shared_ptr<grpc::Channel> connect(const bench::Options& options) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a separate connection
    auto channel = grpc::CreateCustomChannel(endpoint(options), grpc::InsecureChannelCredentials(), arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds{10})) {
        bench::fail("no connection");
    }
    return channel;
}

void require_same(const grpc::Status& status, const bench::Payload& answer, const bench::Payload& payload) {
    if (!status.ok() || answer.data().size() != payload.data().size()) {
        bench::fail("not what was sent: " + status.error_message());
    }
}

bench::Payload call(bench::Echo::Stub& stub, const bench::Payload& payload) {
    grpc::ClientContext context;
    bench::Payload answer;
    require_same(stub.Call(&context, payload, &answer), answer, payload);
    return answer;
}

struct AskedCall {
    grpc::ClientContext context;
    bench::Payload answer;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<bench::Payload>> reader;
    Ticks begin = 0;
};

void ask_many_at_once(const bench::Options& options, bench::Echo::Stub& stub, const bench::Payload& payload) {
    grpc::CompletionQueue queue;
    const auto begin_call = [&](Ticks begin) {
        auto* call = new AskedCall;
        call->begin = begin;
        call->reader = stub.AsyncCall(&call->context, payload, &queue);
        call->reader->Finish(&call->answer, &call->status, call);
    };
    bench::Meter meter(options);
    for (int i = 0; i != options.depth; ++i) {
        begin_call(bench::ticks());
    }
    void* tag = nullptr;
    for (bool ok = false; queue.Next(&tag, &ok);) {
        const std::unique_ptr<AskedCall> call(static_cast<AskedCall*>(tag));
        require_same(call->status, call->answer, payload);
        begin_call(meter.lap(call->begin));
    }
}

void measure_idle(const bench::Options& options) {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    const auto connect_and_call = [&] {
        const auto& channel = channels.emplace_back(connect(options));
        call(*bench::Echo::NewStub(channel), {});
    };
    connect_and_call();
    const bench::IdleMeter meter(options);
    for (int i = 0; i != options.clients; ++i) {
        connect_and_call();
    }
    meter.report();
}

void ask(const bench::Options& options) {
    if (options.idle) {
        measure_idle(options);
    }
    const auto stub = bench::Echo::NewStub(connect(options));
    bench::Payload payload;
    payload.set_data(std::string(options.size, 'x'));
    if (options.depth != 1) {
        ask_many_at_once(options, *stub, payload);
    }
    bench::Meter meter(options);
    for (Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        call(*stub, payload);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
