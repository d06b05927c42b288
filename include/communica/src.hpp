// Compiles the library once, with `COMMUNICA_SEPARATE_COMPILATION`: one source file of the program includes this. A
// program that uses them also includes `connectors/tls.ipp`, `connectors/rabbitmq.ipp` and
// `connectors/shared_memory.ipp`.
#pragma once

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#error "communica/src.hpp is for programs that are compiled with COMMUNICA_SEPARATE_COMPILATION"
#endif

#include "asio.ipp"
#include "connectors/descriptor.ipp"
#include "connectors/local.ipp"
#include "connectors/memory.ipp"
#include "connectors/tcp.ipp"
#include "counters.ipp"
#include "entities/client_core.ipp"
#include "entities/default_log.ipp"
#include "entities/hooks.ipp"
#include "entities/inspection.ipp"
#include "entities/server_core.ipp"
#include "peer/await_notification.ipp"
#include "peer/capabilities.ipp"
#include "peer/completions.ipp"
#include "peer/context.ipp"
#include "peer/lateness.ipp"
#include "peer/peer.ipp"
#include "peer/reply.ipp"
#include "peer/requester.ipp"
#include "peer/responder.ipp"
#include "peer/streams/stream_end.ipp"
#include "peer/streams/stream_handler.ipp"
#include "peer/streams/stream_input.ipp"
#include "peer/streams/stream_output.ipp"
#include "peer/streams/stream_table.ipp"
#include "peer/submission.ipp"
#include "peer/unconfirmed.ipp"
#include "peer/worker.ipp"
#include "wire/error_body.ipp"
#include "wire/json_events.ipp"
