#include <communica/connectors/rabbitmq/frames.hpp>
#include <communica/connectors/rabbitmq/url.hpp>

#include <iostream>
#include <string>

int main() {
    std::string bytes;
    communica::rabbitmq::append_method(bytes, 1, AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t{});
    communica::rabbitmq::FrameDecoder decoder;
    decoder.feed(bytes, [](const amqp_frame_t& frame) {
        std::cout << communica::rabbitmq::Url::parse("amqp://localhost").text() << ' ' << frame.channel << '\n';
    });
}
