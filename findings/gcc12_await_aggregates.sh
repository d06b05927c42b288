#!/usr/bin/env bash
# GCC 12 destroys an aggregate twice if it is a temporary in a co_await expression.
#
# Versions: GCC 12.2.0 (Debian 12).
#
# The bug affects a temporary of a `co_await` expression whose class has no constructor of its own, or is a lambda with
# captures, if a member has a destructor. It also occurs with braces, `co_await send({})`, and with a default argument. The
# member's resource is freed twice. A class with a constructor is not affected, and neither is an aggregate that was named
# before. Clang 19 and GCC 14.2 destroy each object once. GCC has several reports on temporaries in coroutines, among them
# 99576.
#
# What to do: name aggregates and lambdas with captures before the `co_await`, or give the type a constructor.
#
# Seen:
#   aggregate: 1 made, 2 destroyed; in braces: 1 made, 2 destroyed; lambda: 2 made, 3 destroyed; with a constructor: 1 made,
#     1 destroyed; named before: 1 made, 1 destroyed
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need g++-12
[[ $(g++-12 -dumpfullversion) == 12.2.0 ]] || give_up "g++-12 is $(g++-12 -dumpfullversion), this is about 12.2.0"

cat >"$work/await.cpp" <<'END'
#include <coroutine>
#include <cstdio>

int made, destroyed;

struct Member {
    Member() { ++made; }
    Member(const Member&) { ++made; }
    ~Member() { ++destroyed; }
};
struct Aggregate {
    Member member = {};
};
struct Constructed {
    Constructed() {}
    Member member;
};

struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
std::suspend_never take(const Aggregate&) { return {}; }
std::suspend_never take_constructed(const Constructed&) { return {}; }
template <class F>
std::suspend_never take_function(F) { return {}; }

Task aggregate() { co_await take(Aggregate{}); }
Task in_braces() { co_await take({}); }
Task lambda() {
    Member member;
    co_await take_function([member] { (void)member; });
}
Task constructed() { co_await take_constructed(Constructed{}); }
Task named() {
    const Aggregate value{};
    co_await take(value);
}

void show(const char* what, Task (*run)(), const char* end = "; ") {
    made = destroyed = 0;
    run();
    std::printf("%s: %d made, %d destroyed%s", what, made, destroyed, end);
}

int main() {
    show("aggregate", aggregate);
    show("in braces", in_braces);
    show("lambda", lambda);
    show("with a constructor", constructed);
    show("named before", named, "\n");
}
END
g++-12 -std=c++20 "$work/await.cpp" -o "$work/await"
expect "GCC 12.2.0" "aggregate: 1 made, 2 destroyed; in braces: 1 made, 2 destroyed; lambda: 2 made, 3 destroyed; with a constructor: \
1 made, 1 destroyed; named before: 1 made, 1 destroyed" "$("$work/await")"
