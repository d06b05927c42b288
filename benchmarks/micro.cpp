// Parts of the message path, measured separately.

#include <communica/asio.hpp>
#include <communica/peer/pending_requests.hpp>
#include <communica/peer/request_id_codec.hpp>
#include <communica/serializers/json.hpp>
#include <communica/wire/frame_reader.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <benchmark/benchmark.h>

#include <asio/io_context.hpp>

#include <string>
#include <vector>

namespace {

namespace wire = communica::wire;

const std::string request_metadata = R"({"id": "0123456789abcdef0000000100000001", "type": 1})";
const std::string routed_metadata =
    R"({"id": "0123456789abcdef0000000100000001", "type": 1, "route": "shop.orders.route_7"})";

void read_metadata(benchmark::State& state, const std::string& text) {
    wire::MetadataReader reader;
    for (auto _ : state) {
        benchmark::DoNotOptimize(reader.read(text));
    }
}
BENCHMARK_CAPTURE(read_metadata, request, request_metadata);
BENCHMARK_CAPTURE(read_metadata, with_route, routed_metadata);
BENCHMARK_CAPTURE(read_metadata, odd, R"({"type": 1, "id": 7, "other": [null]})");

void write_metadata(benchmark::State& state) {
    const communica::peer::RequestIdCodec text;
    communica::Buffer out;
    for (std::uint64_t number = 1; auto _ : state) {
        out.clear();
        const auto id = text.write(number++);
        wire::write_metadata(out, {.id = {id.data(), id.size()}});
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(write_metadata);

void read_frames(benchmark::State& state) {
    constexpr int frames = 64;
    const std::string body(64, 'x');
    communica::Buffer bytes;
    for (int i = 0; i != frames; ++i) {
        wire::MessageHead{request_metadata.size(), body.size()}.store(bytes.extend(wire::MessageHead::size));
        bytes.append(request_metadata);
        bytes.append(body);
    }
    wire::FrameReader reader;
    for (auto _ : state) {
        for (std::size_t given = 0; given != bytes.size();) {
            const auto room = reader.prepare();
            const auto count = std::min(room.size(), bytes.size() - given);
            std::memcpy(room.data(), bytes.data() + given, count);
            reader.commit(count);
            given += count;
            for (wire::Frame frame; reader.next(frame);) {
                benchmark::DoNotOptimize(frame.body.data());
            }
        }
    }
    state.SetItemsProcessed(state.iterations() * frames);
}
BENCHMARK(read_frames);

void dump_text(benchmark::State& state) {
    const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
    communica::Buffer out;
    for (auto _ : state) {
        out.clear();
        communica::JsonSerializer{}.dump(text, out);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(dump_text)->Arg(64)->Arg(1024 * 1024);

void load_text(benchmark::State& state) {
    const std::string text = '"' + std::string(static_cast<std::size_t>(state.range(0)), 'x') + '"';
    for (auto _ : state) {
        benchmark::DoNotOptimize(communica::JsonSerializer{}.load<std::string>(communica::as_bytes(text)));
    }
}
BENCHMARK(load_text)->Arg(64)->Arg(1024 * 1024);

class NoOperation final : public communica::peer::Operation {
 public:
    void succeed(communica::Bytes, communica::Buffer*, communica::peer::Via) override {}
    void fail(communica::Error, communica::peer::Via) override {}
    bool is_notification() const noexcept override { return false; }

 protected:
    void destroy() noexcept override {}
};

/// Adds and completes one request with 64 pending.
void wait_for_answer(benchmark::State& state) {
    using namespace std::chrono_literals;
    NoOperation operation;  // outlives the table
    communica::peer::PendingRequests pending;
    const auto ask = [&] {
        const auto id = pending.reserve();
        pending.set(id, communica::peer::OperationPtr(&operation), communica::peer::Clock::now() + 30s);
        return id;
    };
    std::vector<communica::peer::RequestId> waiting;
    for (int i = 0; i != 64; ++i) {
        waiting.push_back(ask());
    }
    for (std::size_t oldest = 0; auto _ : state) {
        benchmark::DoNotOptimize(pending.take(waiting[oldest]));
        waiting[oldest] = ask();
        oldest = (oldest + 1) % waiting.size();
    }
}
BENCHMARK(wait_for_answer);

/// The cost of posting a completion handler, by type of executor.
template <class Executor>
void post_and_run(benchmark::State& state, asio::io_context& context, const Executor& executor) {
    for (auto _ : state) {
        asio::post(executor, [] {});
        context.restart();
        context.poll();
    }
}
void post_to_context(benchmark::State& state) {
    asio::io_context context(1);
    post_and_run(state, context, context.get_executor());
}
BENCHMARK(post_to_context);
void post_to_strand(benchmark::State& state) {
    asio::io_context context(1);
    post_and_run(state, context, asio::make_strand(context));
}
BENCHMARK(post_to_strand);
void post_to_strand_of_any_executor(benchmark::State& state) {
    asio::io_context context(1);
    post_and_run(state, context,
                 asio::any_io_executor(asio::make_strand(asio::any_io_executor(context.get_executor()))));
}
BENCHMARK(post_to_strand_of_any_executor);

}  // namespace

BENCHMARK_MAIN();
