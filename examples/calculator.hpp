// The routes shared by calculator_server and calculator_client. The compiler checks both programs against them.
#pragma once

#include <communica/communica.hpp>

#include <vector>

namespace calculator {

struct Operands {
    double left = 0;
    double right = 0;
};
COMMUNICA_MODEL(Operands, left, right)

struct Summary {
    double smallest = 0;
    double largest = 0;
    double mean = 0;
};
COMMUNICA_MODEL(Summary, smallest, largest, mean)

inline constexpr communica::Route<double(Operands)> sum{"sum"};
inline constexpr communica::Route<double(Operands)> divide{"divide"};
inline constexpr communica::Route<Summary(std::vector<double>)> summarize{"summarize"};

}  // namespace calculator
