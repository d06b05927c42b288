// Checks the compiler's options. Each #error is followed by the include of a header that does not exist: it ends the
// compilation before hundreds of further errors.
#pragma once

#if !defined(__cpp_concepts)
#error "communica needs C++20: compile with -std=c++20 or newer"
#include <needed by communica: C++20>
#endif

#if !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#error "communica needs exceptions: compile without -fno-exceptions"
#include <needed by communica: exceptions>
#endif
