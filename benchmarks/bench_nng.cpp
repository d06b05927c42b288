// nng, request and reply: a context for each request in flight, on both sides.

#include "harness.hpp"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include <mutex>

namespace {

using bench::Ticks;

void check(int result) {
    if (result != 0) {
        bench::fail(nng_strerror(result));
    }
}

std::string endpoint(const bench::Options& options) {
    return options.tcp ? "tcp://127.0.0.1:" + options.address : "ipc://" + options.address;
}

[[noreturn]] void leave_it_to_its_threads() {
    for (;;) {
        ::pause();
    }
}

/// Receives messages and sends each one back.
struct Echo {
    nng_ctx context{};
    nng_aio* operation = nullptr;
    bool sending = false;

    void start(nng_socket socket) {
        check(nng_ctx_open(&context, socket));
        check(nng_aio_alloc(&operation, [](void* self) { static_cast<Echo*>(self)->proceed(); }, this));
        nng_ctx_recv(context, operation);
    }

    void proceed() {
        if (nng_aio_result(operation) != 0) {
            return;
        }
        sending = !sending;
        if (sending) {
            nng_aio_set_msg(operation, nng_aio_get_msg(operation));
            nng_ctx_send(context, operation);
        } else {
            nng_ctx_recv(context, operation);
        }
    }
};

void serve(const bench::Options& options) {
    nng_socket socket{};
    check(nng_rep0_open(&socket));
    check(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0));
    std::vector<Echo> echoes(static_cast<std::size_t>(options.depth));
    for (Echo& echo : echoes) {
        echo.start(socket);
    }
    check(nng_listen(socket, endpoint(options).c_str(), nullptr, 0));
    bench::say_ready();
    leave_it_to_its_threads();
}

struct Question {
    nng_ctx context{};
    nng_aio* operation = nullptr;
    bool sending = false;
    Ticks begin = 0;
    const std::string* payload = nullptr;
    bench::Meter* meter = nullptr;
    std::mutex* mutex = nullptr;  // guards the meter: nng calls back on several threads

    void start(nng_socket socket) {
        check(nng_ctx_open(&context, socket));
        check(nng_aio_alloc(&operation, [](void* self) { static_cast<Question*>(self)->proceed(); }, this));
        begin = bench::ticks();
        send();
    }

    void send() {
        nng_msg* message = nullptr;
        check(nng_msg_alloc(&message, 0));
        check(nng_msg_append(message, payload->data(), payload->size()));
        nng_aio_set_msg(operation, message);
        sending = true;
        nng_ctx_send(context, operation);
    }

    void proceed() {
        check(nng_aio_result(operation));
        if (sending) {
            sending = false;
            nng_ctx_recv(context, operation);
            return;
        }
        nng_msg* answer = nng_aio_get_msg(operation);
        if (nng_msg_len(answer) != payload->size()) {
            bench::fail("not what was sent");
        }
        nng_msg_free(answer);
        {
            const std::lock_guard lock(*mutex);
            begin = meter->lap(begin);
        }
        send();
    }
};

void ask(const bench::Options& options) {
    nng_socket socket{};
    check(nng_req0_open(&socket));
    check(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0));
    check(nng_dial(socket, endpoint(options).c_str(), nullptr, 0));
    const std::string payload(options.size, 'x');
    std::mutex mutex;
    bench::Meter meter(options);
    std::vector<Question> questions(static_cast<std::size_t>(options.depth));
    for (Question& question : questions) {
        question.payload = &payload;
        question.meter = &meter;
        question.mutex = &mutex;
        question.start(socket);
    }
    leave_it_to_its_threads();
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
