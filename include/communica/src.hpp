// What is compiled once, with `COMMUNICA_SEPARATE_COMPILATION`: for one source file of the program to include.
#pragma once

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#error "communica/src.hpp is for programs that are compiled with COMMUNICA_SEPARATE_COMPILATION"
#endif

#include "connectors/descriptor.ipp"
#include "connectors/local.ipp"
#include "connectors/memory.ipp"
#include "connectors/tcp.ipp"
#include "entities/client_keeper.ipp"
#include "entities/server_keeper.ipp"
#include "peer/peer.ipp"
#include "peer/requester.ipp"
#include "peer/responder.ipp"
