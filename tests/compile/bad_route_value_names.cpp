// expect: communica: a route of several values names each of them
#include "compile/prelude.hpp"

constexpr communica::Route<void(int, std::string, Operands)> all_but_one{"all_but_one", {"number", "text"}};
