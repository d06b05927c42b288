#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/batch.hpp>

#include <string>
#include <vector>

namespace rabbitmq_batch_tests {

namespace {

using communica::Buffer;
using communica::rabbitmq::Batch;

std::vector<std::string> texts(Batch& batch) {
    std::vector<std::string> texts;
    for (const auto& buffer : batch.buffers()) {
        texts.emplace_back(static_cast<const char*>(buffer.data()), buffer.size());
    }
    return texts;
}

}  // namespace

TEST_CASE("small and large bytes go out in the order in which they were added") {
    const std::string large = "LARGE";
    Batch batch;
    batch.text() += "a";
    batch.text() += "b";
    batch.refer_to(large);
    batch.text() += "c";
    batch.refer_to(large);
    batch.refer_to(std::string_view(large).substr(1));
    batch.text() += "d";
    CHECK(texts(batch) == std::vector<std::string>{"ab", "LARGE", "c", "LARGE", "ARGE", "d"});
    CHECK(batch.size() == 4 + 14);
}

TEST_CASE("large bytes may be first and last, or all there is") {
    const std::string large = "LARGE";
    Batch batch;
    batch.refer_to(large);
    CHECK(texts(batch) == std::vector<std::string>{"LARGE"});
    CHECK(batch.buffers()[0].data() == large.data());
    batch.text() += "a";
    batch.refer_to(large);
    CHECK(texts(batch) == std::vector<std::string>{"LARGE", "a", "LARGE"});
}

TEST_CASE("small bytes that were moved while more came are found where they are") {
    Batch batch;
    std::string expected;
    const std::string large = "L";
    for (int round = 0; round != 1000; ++round) {
        batch.text() += std::string(100, static_cast<char>('a' + round % 26));
        batch.refer_to(large);
        expected += std::string(100, static_cast<char>('a' + round % 26)) + large;
    }
    std::string all;
    for (const std::string& text : texts(batch)) {
        all += text;
    }
    CHECK(all == expected);
}

TEST_CASE("a batch is full with enough bytes, small and large together") {
    const std::string large(Batch::enough - 3, 'L');
    Batch batch;
    CHECK(batch.empty());
    batch.refer_to(large);
    CHECK_FALSE(batch.empty());
    batch.text() += "ab";
    CHECK_FALSE(batch.is_full());
    batch.text() += "c";
    CHECK(batch.is_full());
}

TEST_CASE("a batch keeps what it refers to until it is cleared, and is empty then") {
    Buffer body;
    body.append(std::string(100'000, 'b'));
    const auto owner = std::make_shared<const std::string>("owned");
    const std::weak_ptr watch = owner;
    Batch batch;
    batch.refer_to(body.text());
    batch.keep(std::move(body));
    batch.refer_to(*owner);
    batch.keep(owner);
    CHECK(texts(batch) == std::vector<std::string>{std::string(100'000, 'b'), "owned"});
    CHECK(watch.use_count() == 2);
    batch.clear();
    CHECK(watch.use_count() == 1);
    CHECK(batch.empty());
    CHECK(texts(batch).empty());
}

}  // namespace rabbitmq_batch_tests
