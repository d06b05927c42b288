// Uses every part that has a dependency of its own. Each also links alone, as its headers are compiled alone.
#ifdef HAS_fast_json
#include <communica/serializers/fast_json.hpp>
#endif
#ifdef HAS_auth
#include <communica/connectors/keyed.hpp>
#endif
#ifdef HAS_tls
#include <communica/connectors/tls.hpp>

#include <asio/ssl/context.hpp>
#endif
#ifdef HAS_rabbitmq
#include <communica/connectors/rabbitmq/frames.hpp>
#endif
#ifdef HAS_rabbitmq_tls
#include <communica/connectors/rabbitmq_tls.hpp>
#endif

#include <iostream>
#include <memory>
#include <string>

int main() {
#ifdef HAS_fast_json
    std::cout << communica::FastJsonSerializer{}.load<std::string>(communica::as_bytes(R"("loaded by simdjson")"))
              << '\n';
#endif
#ifdef HAS_tls
    const communica::TlsConnector connector("localhost", 16161, asio::ssl::context(asio::ssl::context::tls));
    std::cout << connector.dump_state() << '\n';
#endif
#ifdef HAS_auth
    std::cout << with_key(connector, communica::SharedKey("0123456789abcdef")).dump_state() << '\n';
#endif
#ifdef HAS_rabbitmq
    std::string bytes;
    communica::rabbitmq::append_method(bytes, 1, AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t{});
    communica::rabbitmq::FrameDecoder decoder;
    decoder.feed(bytes, [](const amqp_frame_t& frame) { std::cout << "a frame of channel " << frame.channel << '\n'; });
#endif
#ifdef HAS_rabbitmq_tls
    communica::RmqOptions options;
    options.dialer =
        communica::rabbitmq::over_tls(std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client));
    std::cout << communica::RmqConnector("amqps://localhost", "calculator", "one", "communica", options).address()
              << '\n';
#endif
}
