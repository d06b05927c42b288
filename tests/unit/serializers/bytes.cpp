#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/bytes.hpp>

namespace bytes_tests {

using namespace std::string_literals;

namespace {

using S = communica::BytesSerializer;
using communica::Buffer;
using communica::Bytes;

static_assert(communica::Serializer<S>);
static_assert(communica::Dumps<S, Bytes> && communica::Dumps<S, Buffer> && communica::Dumps<S, std::string> &&
              communica::Dumps<S, std::string_view> && communica::Dumps<S, char[3]> &&
              communica::Dumps<S, std::vector<std::byte>> && communica::Dumps<S, communica::Nothing>);
static_assert(communica::Loads<S, Bytes> && communica::Loads<S, std::string_view> && communica::Loads<S, std::string> &&
              communica::Loads<S, std::vector<std::byte>> && communica::Loads<S, Buffer>);
static_assert(!communica::Dumps<S, int> && !communica::Dumps<S, std::vector<int>> && !communica::Loads<S, int>);

}  // namespace

TEST_CASE("bytes go as they are") {
    const std::string text = "\0\xff\"x"s;
    CHECK(test::dump<S>(text) == text);
    CHECK(test::dump<S>(communica::as_bytes(text)) == text);
    CHECK(test::dump<S>(std::vector<std::byte>(3)) == std::string(3, '\0'));
    CHECK(test::dump<S>("text") == "text");
    CHECK(test::dump<S>(communica::Nothing{}).empty());
    CHECK(test::load<S, std::string>(text) == text);
    CHECK(test::load<S, std::vector<std::byte>>(text).size() == 4);
    CHECK(test::load<S, Buffer>(text).text() == text);
    CHECK(test::load<S, Bytes>("").empty());
}

TEST_CASE("borrowed bytes are the very ones that came") {
    const std::string body(1000, 'x');
    CHECK(communica::as_text(test::load<S, Bytes>(body)).data() == body.data());
    CHECK(test::load<S, std::string_view>(body).data() == body.data());
}

TEST_CASE("a large buffer is the memory that it came in") {
    communica::Buffer memory;
    memory.append("metadata");
    memory.append(std::string(100'000, 'x'));
    memory.append("behind it");
    const auto body = memory.bytes().subspan(8, 100'000);
    const auto loaded = communica::codec::load_from<communica::Buffer>(S{}, body, &memory);
    CHECK(loaded.text() == std::string(100'000, 'x'));
    CHECK(loaded.text().data() == communica::as_text(body).data());
    CHECK(memory.empty());
    const auto copied = communica::codec::load_from<std::string>(S{}, loaded.bytes(), &memory);
    CHECK(copied == loaded.text());
}

TEST_CASE("a buffer that is given away becomes the message") {
    Buffer large;
    large.append(std::string(100'000, 'x'));
    const char* const where = large.data();
    Buffer out;
    S{}.dump(std::move(large), out);
    CHECK(out.data() == where);
    CHECK(out.size() == 100'000);

    Buffer more;
    more.append("more");
    S{}.dump(std::move(more), out);
    CHECK(out.size() == 100'004);
}

}  // namespace bytes_tests
