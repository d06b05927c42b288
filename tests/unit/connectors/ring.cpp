#include "support/catch.hpp"

#include <communica/connectors/shared_memory/ring.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using communica::detail::RingControl;
using communica::detail::RingMemory;
using communica::detail::RingPosition;
using communica::detail::RingReader;
using communica::detail::RingWriter;

namespace {

/// A ring in the memory of this process.
template <template <class> class Atomic = std::atomic>
struct Ring {
    explicit Ring(std::uint32_t capacity) : bytes(capacity, '\0') {}
    RingMemory<Atomic> memory() { return {control.get(), bytes.data(), static_cast<std::uint32_t>(bytes.size())}; }

    std::unique_ptr<RingControl<Atomic>> control = std::make_unique<RingControl<Atomic>>();
    std::string bytes;
};

template <class Reader>
std::string read_all(Reader& reader, std::size_t most = 1'000'000) {
    std::string room(most, '\0');
    room.resize(reader.read(room));
    reader.release();
    return room;
}

/// A stretch of bytes that tell where they belong.
std::string numbered(std::size_t from, std::size_t count) {
    std::string text(count, '\0');
    for (std::size_t i = 0; i != count; ++i) {
        text[i] = static_cast<char>((from + i) * 31 >> 3);
    }
    return text;
}

}  // namespace

TEST_CASE("what is written can be read once it is published, and not before") {
    Ring ring(8192);
    RingWriter writer(ring.memory());
    RingReader reader(ring.memory());
    CHECK(writer.write("abc") == 3);
    CHECK_FALSE(reader.has_bytes());
    CHECK_FALSE(writer.publish());
    CHECK(read_all(reader) == "abc");
    CHECK_FALSE(reader.has_bytes());
    CHECK_FALSE(reader.is_at_end());
    writer.close();
    CHECK(reader.is_at_end());
}

TEST_CASE("a full ring takes no more until something was read, and all of what it holds") {
    Ring ring(8192);
    RingWriter writer(ring.memory());
    RingReader reader(ring.memory());
    const std::string much = numbered(0, 10'000);
    CHECK(writer.write(much) == 8192);
    writer.publish();
    CHECK(writer.write("x") == 0);
    CHECK(writer.has_to_wait());
    std::string some(5'000, '\0');
    CHECK(reader.read(some) == 5'000);
    CHECK(reader.release());  // half of the ring is free: the writer is woken
    CHECK(writer.write(std::string_view(much).substr(8192)) == 1'808);
    writer.publish();
    CHECK(some + read_all(reader) == much);
}

TEST_CASE("in small messages, each read before the next, little of a ring is used") {
    Ring ring(1024 * 1024);
    RingWriter writer(ring.memory());
    RingReader reader(ring.memory());
    for (int i = 0; i != 1'000; ++i) {
        writer.write(std::string(64, 'm'));
        writer.publish();
        CHECK(read_all(reader).size() == 64);
    }
    CHECK(ring.bytes.find_last_not_of('\0') < 4'096 - RingControl<>::size);
}

TEST_CASE("what was used once and is not any more is given back") {
    Ring ring(1024 * 1024);
    RingWriter writer(ring.memory());
    RingReader reader(ring.memory());
    CHECK(writer.take_unused() == 0);
    writer.write(std::string(500'000, 'm'));
    CHECK(writer.take_unused() == 0);
    writer.publish();
    CHECK(writer.take_unused() == 0);
    CHECK(read_all(reader).size() == 500'000);
    CHECK(writer.take_unused() == 500'000);
    CHECK(writer.take_unused() == 0);
    writer.write("on");
    writer.publish();
    CHECK(read_all(reader) == "on");
}

TEST_CASE("any order of writing and reading in any sizes gives what was written") {
    std::mt19937 random(7);
    Ring ring(8192);
    RingWriter writer(ring.memory());
    RingReader reader(ring.memory());
    std::size_t written = 0;
    std::size_t read = 0;
    const std::array<std::size_t, 6> sizes{1, 64, 700, 3'000, 8'192, 20'000};
    for (int step = 0; step != 20'000; ++step) {
        const std::size_t size = sizes[random() % sizes.size()];
        if (random() % 2 == 0) {
            written += writer.write(numbered(written, size));
            writer.publish();
            writer.take_unused();
        } else {
            const std::string text = read_all(reader, size);
            if (text != numbered(read, text.size())) {
                FAIL("other bytes than were written, at step " << step);
            }
            read += text.size();
        }
    }
    read += read_all(reader).size();
    CHECK(read == written);
    CHECK(read > 10'000'000);
}

TEST_CASE("two threads pass bytes on and sleep between them") {
    Ring ring(8192);
    constexpr std::size_t total = 4'000'000;
    std::mutex mutex;
    std::condition_variable changed;
    std::array<int, 2> wakes{};
    const auto wake = [&](int whom) {
        const std::lock_guard lock(mutex);
        ++wakes[static_cast<std::size_t>(whom)];
        changed.notify_all();
    };
    const auto sleep = [&](int who) {
        std::unique_lock lock(mutex);
        const bool woken =
            changed.wait_for(lock, std::chrono::seconds{20}, [&] { return wakes[static_cast<std::size_t>(who)] != 0; });
        wakes[static_cast<std::size_t>(who)] = 0;
        return woken;
    };
    bool writer_slept_on = false;
    std::jthread thread([&] {
        RingWriter writer(ring.memory());
        std::mt19937 random(1);
        for (std::size_t at = 0; at != total;) {
            const std::size_t count =
                writer.write(numbered(at, std::min<std::size_t>(total - at, random() % 5'000 + 1)));
            if (count != 0 && writer.publish()) {
                wake(0);
            }
            at += count;
            if (count == 0 && writer.has_to_wait() && !sleep(1)) {
                writer_slept_on = true;
                return;
            }
        }
        if (writer.close()) {
            wake(0);
        }
    });
    RingReader reader(ring.memory());
    std::size_t at = 0;
    std::string room(3'000, '\0');
    while (!reader.is_at_end()) {
        const std::size_t count = reader.read(room);
        if (count == 0) {
            if (reader.has_to_wait()) {
                REQUIRE(sleep(0));
            }
            continue;
        }
        if (reader.release()) {
            wake(1);
        }
        REQUIRE(std::string_view(room).substr(0, count) == numbered(at, count));
        at += count;
    }
    thread.join();
    CHECK_FALSE(writer_slept_on);
    CHECK(at == total);
}

// ---- no wake-up is lost: two threads whose accesses to the shared words are put into every order ---------------------------------

namespace {

/// Lets one of two threads go on at a time, from one access to the next, as a list of choices says.
class Schedule {
 public:
    static inline thread_local Schedule* current = nullptr;
    static inline thread_local int self = 0;

    explicit Schedule(std::vector<int> choices) : choices_(std::move(choices)) {}

    /// Runs both to their end. What was chosen at each step, and between how many: the next schedule comes of it.
    void run(const std::array<std::function<void()>, 2>& sides) {
        std::array<std::jthread, 2> threads;
        for (int side = 0; side != 2; ++side) {
            threads[static_cast<std::size_t>(side)] = std::jthread([this, side, &sides] {
                current = this;
                self = side;
                wait_for_turn();
                sides[static_cast<std::size_t>(side)]();
                end();
            });
        }
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return waiting_[0] && waiting_[1]; });
            choose();
        }
    }
    const std::vector<int>& choices() const { return choices_; }
    const std::vector<bool>& alternatives() const { return alternatives_; }

    /// Before each access.
    static void step() {
        if (current != nullptr) {
            current->pass_on();
        }
    }

 private:
    void wait_for_turn() {
        std::unique_lock lock(mutex_);
        waiting_[static_cast<std::size_t>(self)] = true;
        changed_.notify_all();
        changed_.wait(lock, [&] { return turn_ == self; });
        waiting_[static_cast<std::size_t>(self)] = false;
    }
    void pass_on() {
        std::unique_lock lock(mutex_);
        waiting_[static_cast<std::size_t>(self)] = true;
        choose();
        changed_.wait(lock, [&] { return turn_ == self; });
        waiting_[static_cast<std::size_t>(self)] = false;
    }
    void end() {
        const std::lock_guard lock(mutex_);
        ended_[static_cast<std::size_t>(self)] = true;
        choose();
    }
    /// With the lock: who goes on.
    void choose() {
        const bool both = !ended_[0] && !ended_[1];
        if (!both) {
            turn_ = ended_[0] ? (ended_[1] ? -1 : 1) : 0;
        } else {
            if (alternatives_.size() == choices_.size()) {
                choices_.push_back(0);
            }
            turn_ = choices_[alternatives_.size()];
            alternatives_.push_back(turn_ == 0);
        }
        changed_.notify_all();
    }

    std::vector<int> choices_;
    std::vector<bool> alternatives_;  // at each choice: is there another that was not tried?
    std::mutex mutex_;
    std::condition_variable changed_;
    std::array<bool, 2> waiting_{};
    std::array<bool, 2> ended_{};
    int turn_ = -1;
};

/// An atomic whose accesses are steps of the schedule. Sequentially consistent, as only one thread runs at a time.
template <class T>
class Stepped {
 public:
    T load() const {
        Schedule::step();
        return value_;
    }
    void store(T value) {
        Schedule::step();
        value_ = value;
    }
    T exchange(T value) {
        Schedule::step();
        return std::exchange(value_, value);
    }

 private:
    T value_{};
};

/// Tries every order of the accesses of the two sides, which `make` gives with what is to hold at the end.
template <class Make>
int try_every_order(Make make) {
    int orders = 0;
    for (std::vector<int> choices;;) {
        Schedule schedule(std::move(choices));
        auto attempt = make();
        schedule.run(attempt.sides);
        attempt.check();
        ++orders;
        choices = schedule.choices();
        const auto& open = schedule.alternatives();
        choices.resize(open.size());
        while (!choices.empty() && !open[choices.size() - 1]) {
            choices.pop_back();
        }
        if (choices.empty()) {
            return orders;
        }
        choices.back() = 1;
    }
}

struct Attempt {
    std::array<std::function<void()>, 2> sides;
    std::function<void()> check;
};

}  // namespace

TEST_CASE("in no order of their steps does a reader sleep on while bytes lie there") {
    int sleeps = 0;
    const int orders = try_every_order([&] {
        struct State {
            Ring<Stepped> ring{8192};
            bool sleeps = false;
            bool is_woken = false;
            std::size_t read = 0;
        };
        const auto state = std::make_shared<State>();
        Attempt attempt;
        attempt.sides[0] = [state] {
            RingWriter<Stepped> writer(state->ring.memory());
            writer.write("message");
            state->is_woken = writer.publish();
        };
        attempt.sides[1] = [state] {
            RingReader<Stepped> reader(state->ring.memory());
            if (reader.has_to_wait()) {
                state->sleeps = true;
            } else {
                std::string room(100, '\0');
                state->read = reader.read(room);
            }
        };
        attempt.check = [state, &sleeps] {
            sleeps += state->sleeps ? 1 : 0;
            const bool is_well = state->sleeps ? state->is_woken : state->read == 7;
            CHECK(is_well);
        };
        return attempt;
    });
    CHECK(orders > 20);
    CHECK(sleeps > 0);
    CHECK(sleeps < orders);
}

TEST_CASE("in no order of their steps does a writer sleep on while there is room") {
    int sleeps = 0;
    const int orders = try_every_order([&] {
        struct State {
            Ring<Stepped> ring{8192};
            RingWriter<Stepped> writer{ring.memory()};
            RingReader<Stepped> reader{ring.memory()};
            bool sleeps = false;
            bool is_woken = false;
            std::size_t written = 0;
        };
        const auto state = std::make_shared<State>();
        state->writer.write(std::string(8192, 'x'));
        state->writer.publish();
        Attempt attempt;
        attempt.sides[0] = [state] {
            std::string room(8192, '\0');
            state->reader.read(room);
            state->is_woken = state->reader.release();
        };
        attempt.sides[1] = [state] {
            if (state->writer.has_to_wait()) {
                state->sleeps = true;
            } else {
                state->written = state->writer.write("more");
            }
        };
        attempt.check = [state, &sleeps] {
            sleeps += state->sleeps ? 1 : 0;
            const bool is_well = state->sleeps ? state->is_woken : state->written == 4;
            CHECK(is_well);
        };
        return attempt;
    });
    CHECK(orders > 20);
    CHECK(sleeps > 0);
    CHECK(sleeps < orders);
}

// ---- a hostile other side --------------------------------------------------------------------------------------------------------

TEST_CASE("a position that can't be is an error, and nothing outside of the ring is touched") {
    constexpr std::uint32_t capacity = 8192;
    std::mt19937 random(11);
    const std::array<std::uint32_t, 8> offsets{0, 1, 64, capacity - 1, capacity, capacity + 1, 0x7fffffff, 0xffffffff};
    const std::array<std::uint32_t, 5> laps{0, 1, 2, 0x80000000, 0xffffffff};
    int refused = 0;
    for (int round = 0; round != 20'000; ++round) {
        Ring ring(capacity);  // the sanitizers watch its edges
        RingWriter writer(ring.memory());
        RingReader reader(ring.memory());
        try {
            for (int step = 0; step != 6; ++step) {
                const std::uint64_t lie =
                    RingPosition{laps[random() % laps.size()], offsets[random() % offsets.size()]}.pack();
                switch (random() % 7) {
                    case 0: ring.control->tail.store(lie); break;
                    case 1: ring.control->head.store(lie); break;
                    case 2: ring.control->lap_end.store(offsets[random() % offsets.size()]); break;
                    case 3: ring.control->reader_waits.store(random() % 2); break;
                    case 4: {
                        writer.write(std::string(random() % (2 * capacity), 'w'));
                        writer.publish();
                        break;
                    }
                    case 5: {
                        std::string room(random() % (2 * capacity), '\0');
                        const std::size_t count = reader.read(room);
                        CHECK(count <= room.size());
                        reader.release();
                        break;
                    }
                    default: writer.take_unused();
                }
            }
        } catch (const std::system_error& e) {
            CHECK(e.code() == communica::errc::protocol_error);
            ++refused;
        }
    }
    CHECK(refused > 1'000);
}
