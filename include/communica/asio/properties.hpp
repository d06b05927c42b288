// What differs between platforms and ways to compile, in both flavours of Asio. To be included after either.
#pragma once

namespace communica::base {

#if defined(COMMUNICA_USE_BOOST_ASIO) ? defined(BOOST_ASIO_HAS_IOCP) : defined(ASIO_HAS_IOCP)
/// True if a write completes only when the system has taken all of it, without partial progress: completion ports.
inline constexpr bool writes_are_whole = true;
#else
inline constexpr bool writes_are_whole = false;
#endif

#if defined(COMMUNICA_USE_BOOST_ASIO) ? defined(BOOST_ASIO_NO_TYPEID) : defined(ASIO_NO_TYPEID)
/// True if an executor knows its type, which it does not without RTTI.
inline constexpr bool executors_tell_types = false;
#else
inline constexpr bool executors_tell_types = true;
#endif

}  // namespace communica::base
