// Where what is no template gets compiled: in every file that includes it, or once.
#pragma once

/// Without `COMMUNICA_SEPARATE_COMPILATION` a program needs headers alone. With it, defined for the whole program,
/// headers declare what they can, and one source file of the program includes `<communica/src.hpp>`.
///
/// Such a header `x.hpp` has its definitions in `x.ipp`.
#if defined(COMMUNICA_SEPARATE_COMPILATION)
#define COMMUNICA_INLINE
#else
#define COMMUNICA_INLINE inline
#endif
