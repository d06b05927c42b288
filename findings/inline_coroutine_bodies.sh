#!/usr/bin/env bash
# GCC and Clang give each object file its own body of an inline coroutine; the linker does not merge them.
#
# Versions: GCC 12.2.0 and Clang 19.1 (Debian 12). GCC 14.2.0 (Debian 13) does the same.
#
# The function that starts an inline coroutine is a weak symbol, as any inline function is: the linker keeps one. The functions
# that resume and destroy it, which contain its statements, are local symbols of each file that uses it. Without optimisation,
# GCC emits them also for coroutines that a file only includes and never calls; with -O2 it does not.
#
# What to do: keep the body of a coroutine out of headers, in a file that is compiled once, if it is no template.
#
# Seen:
#   GCC -O0, two files call it: started by 1 function, resumed by 2; one file includes it: 1 body
#   GCC -O2, two files call it: resumed by 2; one file includes it: 0 bodies
#   Clang -O0, two files call it: started by 1 function, resumed by 2; one file includes it: 0 bodies
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need g++-12 clang++-19 nm
[[ $(g++-12 -dumpfullversion) == 12.2.0 ]] || give_up "g++-12 is $(g++-12 -dumpfullversion), this is about 12.2.0"

cat >"$work/task.hpp" <<'END'
#include <coroutine>
struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
void step(int number);
inline Task steps(int first) {
    step(first);
    co_await std::suspend_always();
    step(first + 1);
}
END
printf '#include "task.hpp"\nvoid other() { steps(1); }\n' >"$work/other.cpp"
printf '#include "task.hpp"\nvoid other();\nvoid step(int) {}\nint main() { other(); steps(2); }\n' >"$work/main.cpp"
printf '#include "task.hpp"\nint unrelated() { return 1; }\n' >"$work/includes.cpp"

# count SYMBOLS-OF REGEX
count() { nm -C "$1" | grep -vF '.cold]' | grep -cE "$2" || true; }

starts=' W steps\(int\)$'
resumes=' t steps\(.*\[clone \.(actor|resume)\]'
# two_files COMPILER LEVEL
two_files() { (cd "$work" && "$1" -std=c++20 "$2" other.cpp main.cpp -o program && "$1" -std=c++20 "$2" -c includes.cpp -o includes.o); }

two_files g++-12 -O0
expect "GCC -O0" "started by 1, resumed by 2; included: 1" \
  "started by $(count "$work/program" "$starts"), resumed by $(count "$work/program" "$resumes"); included: $(count "$work/includes.o" "$resumes")"
two_files g++-12 -O2
expect "GCC -O2" "resumed by 2; included: 0" \
  "resumed by $(count "$work/program" "$resumes"); included: $(count "$work/includes.o" "$resumes")"
two_files clang++-19 -O0
expect "Clang -O0" "started by 1, resumed by 2; included: 0" \
  "started by $(count "$work/program" "$starts"), resumed by $(count "$work/program" "$resumes"); included: $(count "$work/includes.o" "$resumes")"
