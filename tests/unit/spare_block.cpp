#include "support/catch.hpp"

#include <communica/buffer.hpp>
#include <communica/spare_block.hpp>

#include <string>
#include <thread>

namespace spare_block_tests {

using communica::Buffer;
using communica::base::Block;
using communica::base::give_block_back;
using communica::base::take_spare_block;

namespace {

constexpr std::size_t kibibyte = 1024;

Block make(std::size_t capacity) { return {static_cast<char*>(std::malloc(capacity)), capacity}; }

/// In a thread that has no spare block yet.
template <class F>
void run_on_new_thread(F function) {
    std::thread(function).join();
}

}  // namespace

TEST_CASE("a large block is kept for one that needs nearly as much, once") {
    run_on_new_thread([] {
        CHECK(take_spare_block(100 * kibibyte).memory == nullptr);
        const Block block = make(400 * kibibyte);
        give_block_back(block);
        CHECK(take_spare_block(400 * kibibyte + 1).memory == nullptr);
        CHECK(take_spare_block(200 * kibibyte - 1).memory == nullptr);
        const Block taken = take_spare_block(200 * kibibyte);
        CHECK(taken.memory == block.memory);
        CHECK(taken.capacity == block.capacity);
        CHECK(take_spare_block(100 * kibibyte).memory == nullptr);
        std::free(taken.memory);
    });
}

TEST_CASE("blocks that are small or very large are freed, and so is a second one") {
    run_on_new_thread([] {
        give_block_back(make(communica::base::smallest_spare_block - 1));
        CHECK(take_spare_block(communica::base::smallest_spare_block - 1).memory == nullptr);
        give_block_back(make(communica::base::largest_spare_block + 1));
        CHECK(take_spare_block(communica::base::largest_spare_block).memory == nullptr);
        give_block_back(make(communica::base::smallest_spare_block));
        give_block_back(make(communica::base::largest_spare_block));
        CHECK(take_spare_block(communica::base::largest_spare_block).memory == nullptr);
        const Block taken = take_spare_block(communica::base::smallest_spare_block);
        CHECK(taken.capacity == communica::base::smallest_spare_block);
        std::free(taken.memory);
    });
}

TEST_CASE("a block that did not fit when one was wanted makes room for the next") {
    run_on_new_thread([] {
        give_block_back(make(1000 * kibibyte));
        give_block_back(make(100 * kibibyte));
        CHECK(take_spare_block(100 * kibibyte).memory == nullptr);
        give_block_back(make(100 * kibibyte));
        const Block taken = take_spare_block(100 * kibibyte);
        CHECK(taken.capacity == 100 * kibibyte);
        std::free(taken.memory);
    });
}

TEST_CASE("a buffer that grows takes the block that another gave back, and keeps its bytes") {
    run_on_new_thread([] {
        const char* memory = nullptr;
        {
            Buffer first;
            first.append(std::string(300 * kibibyte, 'x'));
            memory = first.data();
        }
        Buffer second;
        second.append("kept ");
        second.append(std::string(250 * kibibyte, 'y'));
        CHECK(second.data() == memory);
        CHECK(second.text() == "kept " + std::string(250 * kibibyte, 'y'));
        Buffer third = std::move(second);
        CHECK(third.data() == memory);
        CHECK(second.empty());  // NOLINT(bugprone-use-after-move): it is as good as new
        second = std::move(third);
        second.release();
        CHECK(second.capacity() == Buffer::inline_capacity);
        CHECK(take_spare_block(300 * kibibyte).memory == memory);
        give_block_back({const_cast<char*>(memory), 300 * kibibyte});
    });
}

TEST_CASE("a block may go from one thread to another") {
    Buffer travels;
    run_on_new_thread([&] { travels.append(std::string(100 * kibibyte, 'x')); });
    CHECK(travels.size() == 100 * kibibyte);
    run_on_new_thread([&] {
        const char* const memory = travels.data();
        travels.release();
        Buffer next;
        next.append(std::string(90 * kibibyte, 'y'));
        CHECK(next.data() == memory);
    });
}

}  // namespace spare_block_tests
