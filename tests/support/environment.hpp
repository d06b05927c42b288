// The environment of a test.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace test {

/// An environment variable of another value, until the end of the test.
class Variable {
 public:
    Variable(const char* name, const std::string& value) : name_(name) {
        if (const char* before = std::getenv(name)) {
            before_ = before;
        }
        ::setenv(name, value.c_str(), 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() {
        if (before_) {
            ::setenv(name_, before_->c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }

 private:
    const char* name_;
    std::optional<std::string> before_;
};

}  // namespace test
