// Memory that a test lends to buffers, and what became of it.
#pragma once

#include <communica/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace test {

class LentMemory {
 public:
    explicit LentMemory(std::size_t size, std::uint32_t number = 0, const void* lender = nullptr)
        : bytes_(std::make_unique<char[]>(size)), size_(size), number_(number), lender_(lender) {}

    communica::Buffer lend() {
        auto& loan = *new Loan(*this);
        return {loan, bytes_.get(), size_, size_};
    }
    char* data() const noexcept { return bytes_.get(); }

    int given_back = 0;
    int passed_on = 0;
    int sent = 0;

 private:
    struct Loan final : communica::base::LentMemory {
        explicit Loan(test::LentMemory& of)
            : communica::base::LentMemory(of.lender_, of.number_, of.bytes_.get()), memory(of) {}
        void give_back() noexcept override {
            ++memory.given_back;
            delete this;
        }
        void pass_on() noexcept override {
            ++memory.passed_on;
            delete this;
        }
        void note_sent() noexcept override { ++memory.sent; }

        test::LentMemory& memory;
    };

    std::unique_ptr<char[]> bytes_;
    std::size_t size_;
    std::uint32_t number_;
    const void* lender_;
};

}  // namespace test
