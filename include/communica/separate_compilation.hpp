// Selects where non-template functions are compiled: in every file that includes them, or once.
#pragma once

/// Without `COMMUNICA_SEPARATE_COMPILATION` the library is header-only. If it is defined for the whole program, headers
/// only declare these functions, and one source file of the program includes `<communica/src.hpp>`.
///
/// The definitions of a header `x.hpp` are in `x.ipp`.
#if defined(COMMUNICA_SEPARATE_COMPILATION)
#define COMMUNICA_INLINE
#else
#define COMMUNICA_INLINE inline
#endif
