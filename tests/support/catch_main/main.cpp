// Where Catch2 2 comes as a header alone.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
