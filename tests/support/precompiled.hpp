#pragma once

// What nearly every test includes and what never changes; the project's own headers would rebuild everything.

#include "support/catch.hpp"

#include <asio.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
