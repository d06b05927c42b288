// D-Bus by sd-bus, peer to peer without a broker: a method call with an array of bytes.

#include "sockets.hpp"

#include <systemd/sd-bus.h>

#include <fcntl.h>

namespace {

using bench::Ticks;

int check(int result) {
    if (result < 0) {
        bench::fail(std::generic_category().message(-result));
    }
    return result;
}

struct Array {
    const void* bytes = nullptr;
    std::size_t size = 0;
};

Array read_array(sd_bus_message* message) {
    Array array;
    check(sd_bus_message_read_array(message, 'y', &array.bytes, &array.size));
    return array;
}

sd_bus* make_bus(int socket) {
    sd_bus* bus = nullptr;
    check(::fcntl(socket, F_SETFL, O_NONBLOCK));
    check(sd_bus_new(&bus));
    check(sd_bus_set_fd(bus, socket, socket));
    check(sd_bus_set_anonymous(bus, 1));
    check(sd_bus_set_trusted(bus, 1));
    return bus;
}

void process_until_the_end(sd_bus* bus) {
    for (int result = 0; result >= 0;) {
        result = sd_bus_process(bus, nullptr);
        if (result == 0) {
            result = sd_bus_wait(bus, UINT64_MAX);
        }
    }
}

int on_call(sd_bus_message* call, void*, sd_bus_error*) {
    if (sd_bus_message_is_method_call(call, "bench.Echo", "Call") <= 0) {
        return 0;
    }
    const Array array = read_array(call);
    sd_bus_message* answer = nullptr;
    check(sd_bus_message_new_method_return(call, &answer));
    check(sd_bus_message_append_array(answer, 'y', array.bytes, array.size));
    check(sd_bus_send(nullptr, answer, nullptr));
    sd_bus_message_unref(answer);
    return 1;
}

void serve(const bench::Options& options) {
    const int listener = bench::listen_socket(options);
    bench::say_ready();
    sd_bus* bus = make_bus(bench::accept_socket(options, listener));
    sd_id128_t id{};
    check(sd_id128_randomize(&id));
    check(sd_bus_set_server(bus, 1, id));
    check(sd_bus_add_object(bus, nullptr, "/echo", on_call, nullptr));
    check(sd_bus_start(bus));
    process_until_the_end(bus);
}

class Asker {
 public:
    explicit Asker(const bench::Options& options)
        : bus_(make_bus(bench::connect_socket(options))), payload_(options.size, 'x'), meter_(options) {
        check(sd_bus_start(bus_));
    }

    void ask_one_at_a_time() {
        for (Ticks begin = bench::ticks();; begin = meter_.lap(begin)) {
            sd_bus_message* call = make_call();
            sd_bus_message* answer = nullptr;
            check(sd_bus_call(bus_, call, 0, nullptr, &answer));
            require_same(answer);
            sd_bus_message_unref(answer);
            sd_bus_message_unref(call);
        }
    }

    void ask_many_at_once(int depth) {
        waiting_.resize(static_cast<std::size_t>(depth), {.asker = this});
        for (Waiting& waiting : waiting_) {
            waiting.begin = bench::ticks();
            begin_call(waiting);
        }
        process_until_the_end(bus_);
    }

 private:
    struct Waiting {
        Asker* asker = nullptr;
        Ticks begin = 0;
    };

    sd_bus_message* make_call() {
        sd_bus_message* call = nullptr;
        check(sd_bus_message_new_method_call(bus_, &call, nullptr, "/echo", "bench.Echo", "Call"));
        check(sd_bus_message_append_array(call, 'y', payload_.data(), payload_.size()));
        return call;
    }

    void begin_call(Waiting& waiting) {
        sd_bus_message* call = make_call();
        check(sd_bus_call_async(bus_, nullptr, call, on_answer, &waiting, 0));
        sd_bus_message_unref(call);
    }

    static int on_answer(sd_bus_message* answer, void* data, sd_bus_error*) {
        auto& waiting = *static_cast<Waiting*>(data);
        waiting.asker->require_same(answer);
        waiting.begin = waiting.asker->meter_.lap(waiting.begin);
        waiting.asker->begin_call(waiting);
        return 1;
    }

    void require_same(sd_bus_message* answer) const {
        if (sd_bus_message_is_method_error(answer, nullptr) > 0 || read_array(answer).size != payload_.size()) {
            bench::fail("not what was sent");
        }
    }

    sd_bus* bus_;
    std::string payload_;
    bench::Meter meter_;
    std::vector<Waiting> waiting_;
};

void ask(const bench::Options& options) {
    Asker asker(options);
    if (options.depth == 1) {
        asker.ask_one_at_a_time();
    } else {
        asker.ask_many_at_once(options.depth);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
