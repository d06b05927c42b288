// A server stream of gRPC, for the figures of bench_streams: items of 64 B over a Unix socket, with the synchronous interface, which
// is the fastest for one stream. Client and server are threads of one process.
//
//     bench_grpc_stream [SCALE]     SCALE multiplies the amount of data, 1 by default

#include "echo.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

#include <unistd.h>

namespace {

double cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Service final : public bench::Echo::Service {
    grpc::Status Items(grpc::ServerContext* /*context*/, const bench::Wanted* wanted,
                       grpc::ServerWriter<bench::Payload>* writer) override {
        bench::Payload item;
        item.set_data(std::string(static_cast<std::size_t>(wanted->size()), 'i'));
        for (int number = wanted->count(); number != 0 && writer->Write(item); --number) {
        }
        return grpc::Status::OK;
    }
};

double stream_cpu(bench::Echo::Stub& stub, int count, int size) {
    bench::Wanted wanted;
    wanted.set_count(count);
    wanted.set_size(size);
    grpc::ClientContext context;
    const double begin = cpu_seconds();
    const auto reader = stub.Items(&context, wanted);
    int came = 0;
    for (bench::Payload item; reader->Read(&item);) {
        ++came;
    }
    if (!reader->Finish().ok() || came != count) {
        std::fputs("not all items came\n", stderr);
        std::exit(1);
    }
    return 1e9 * (cpu_seconds() - begin) / count;
}

}  // namespace

int main(int argc, char** argv) {
    const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
    const std::string address = "unix-abstract:bench_grpc_stream_" + std::to_string(getpid());
    Service service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    const auto stub = bench::Echo::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    stream_cpu(*stub, 1'000, 64);
    for (int round = 0; round != 3; ++round) {
        std::printf("64 B items over gRPC's server stream: %.0f ns of CPU each\n",
                    stream_cpu(*stub, 30'000 * scale, 64));
    }
    server->Shutdown();
}
