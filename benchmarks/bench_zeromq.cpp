// ZeroMQ: a DEALER sends requests to a ROUTER. The payload follows a frame of 4 bytes with its id, as in the baseline.
// The variant `struct` sends a struct by RapidJSON, as the library's variant does by its serializer.

#include "harness.hpp"
#include "record.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <zmq.h>

namespace {

using bench::Ticks;

void check(int result) {
    if (result < 0) {
        bench::fail(zmq_strerror(zmq_errno()));
    }
}

std::string endpoint(const bench::Options& options) {
    return options.tcp ? "tcp://127.0.0.1:" + options.address : "ipc://" + options.address;
}

class Message {
 public:
    Message() { zmq_msg_init(&message_); }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() { zmq_msg_close(&message_); }

    void receive(void* socket) { check(zmq_msg_recv(&message_, socket, 0)); }
    /// Sends the frame without a copy. `more`: further frames follow.
    void send(void* socket, bool more) { check(zmq_msg_send(&message_, socket, more ? ZMQ_SNDMORE : 0)); }
    bool has_more() const { return zmq_msg_more(&message_) != 0; }
    std::string_view text() { return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)}; }

 private:
    zmq_msg_t message_;
};

void* make_socket(int type) {
    void* context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 4096);
    return zmq_socket(context, type);
}

// ---- a struct as JSON ----------------------------------------------------------------------------------------------

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write(Writer& out, const std::string& text) {
    out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write(Writer& out, const bench::Item& item) {
    out.StartObject();
    out.Key("number"), out.Int64(item.number);
    out.Key("name"), write(out, item.name);
    out.Key("price"), out.Double(item.price);
    out.Key("in_stock"), out.Bool(item.in_stock);
    out.Key("sizes"), out.StartArray();
    for (const auto size : item.sizes) {
        out.Int64(size);
    }
    out.EndArray();
    out.EndObject();
}

void write(Writer& out, const bench::Order& order) {
    out.StartObject();
    out.Key("id"), out.Int64(order.id);
    out.Key("customer"), write(out, order.customer);
    out.Key("note"), write(out, order.note);
    out.Key("items"), out.StartArray();
    for (const auto& item : order.items) {
        write(out, item);
    }
    out.EndArray();
    out.EndObject();
}

std::string text_of(const rapidjson::Value& value) { return {value.GetString(), value.GetStringLength()}; }

bench::Order parse(std::string_view text) {
    rapidjson::Document document;
    if (document.Parse(text.data(), text.size()).HasParseError()) {
        bench::fail("not JSON");
    }
    bench::Order order{.id = document["id"].GetInt64(),
                       .customer = text_of(document["customer"]),
                       .note = text_of(document["note"]),
                       .items = {}};
    for (const auto& value : document["items"].GetArray()) {
        bench::Item item{.number = value["number"].GetInt64(),
                         .name = text_of(value["name"]),
                         .price = value["price"].GetDouble(),
                         .in_stock = value["in_stock"].GetBool(),
                         .sizes = {}};
        for (const auto& size : value["sizes"].GetArray()) {
            item.sizes.push_back(size.GetInt64());
        }
        order.items.push_back(std::move(item));
    }
    return order;
}

void send_order(void* socket, const bench::Order& order) {
    rapidjson::StringBuffer text;
    Writer writer(text);
    write(writer, order);
    check(zmq_send(socket, text.GetString(), text.GetSize(), 0));
}

// ---- server and client ---------------------------------------------------------------------------------------------

void serve(const bench::Options& options) {
    void* socket = make_socket(ZMQ_ROUTER);
    check(zmq_bind(socket, endpoint(options).c_str()));
    bench::say_ready();
    const bool orders = options.variant == "struct";
    for (;;) {
        Message message;
        message.receive(socket);
        if (orders && !message.has_more()) {
            send_order(socket, parse(message.text()));
        } else {
            message.send(socket, message.has_more());
        }
    }
}

void ask(const bench::Options& options) {
    void* socket = make_socket(ZMQ_DEALER);
    check(zmq_connect(socket, endpoint(options).c_str()));
    const bool orders = options.variant == "struct";
    const bench::Order order = bench::make_order();
    const std::string payload(options.size, 'x');
    const auto send = [&](std::uint32_t id) {
        check(zmq_send(socket, &id, sizeof id, ZMQ_SNDMORE));
        if (orders) {
            send_order(socket, order);
        } else {
            check(zmq_send(socket, payload.data(), payload.size(), 0));
        }
    };

    bench::Meter meter(options);
    std::vector<Ticks> begins(static_cast<std::size_t>(options.depth), bench::ticks());
    for (std::uint32_t id = 0; id != begins.size(); ++id) {
        send(id);
    }
    for (;;) {
        std::uint32_t id = 0;
        check(zmq_recv(socket, &id, sizeof id, 0));
        Message answer;
        answer.receive(socket);
        const bool same =
            orders ? parse(answer.text()).items.size() == order.items.size() : answer.text().size() == payload.size();
        if (!same) {
            bench::fail("not what was sent");
        }
        begins[id] = meter.lap(begins[id]);
        send(id);
    }
}

void ask_once(void* socket) {
    check(zmq_send(socket, "id", 2, ZMQ_SNDMORE));
    check(zmq_send(socket, "hello", 5, 0));
    for (int frame = 0; frame != 2; ++frame) {
        Message answer;
        answer.receive(socket);
    }
}

void measure_idle(const bench::Options& options) {
    void* context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 4096);
    const auto connect = [&] {
        void* socket = zmq_socket(context, ZMQ_DEALER);
        check(zmq_connect(socket, endpoint(options).c_str()));
        ask_once(socket);
    };
    connect();
    const bench::IdleMeter meter(options);
    for (int i = 0; i != options.clients; ++i) {
        connect();
    }
    meter.report();
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run(argc, argv, serve,
                      [](const bench::Options& options) { options.idle ? measure_idle(options) : ask(options); });
}
