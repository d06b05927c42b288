#include <communica/communica.hpp>

#include <iostream>

int main() { std::cout << communica::TcpConnector{"localhost", 16161}.dump_state() << '\n'; }
