// Includes all headers that need only Asio and nlohmann/json.
#pragma once

#include "connectors/any.hpp"
#include "connectors/descriptor.hpp"
#include "connectors/local.hpp"
#include "connectors/memory.hpp"
#include "connectors/tcp.hpp"
#include "entities/route_client.hpp"
#include "entities/route_server.hpp"
#include "entities/route_table.hpp"
#include "entities/simple_client.hpp"
#include "entities/simple_server.hpp"
#include "peer/streams/topic.hpp"
#include "serializers/bytes.hpp"
#include "serializers/cbor.hpp"
#include "serializers/json.hpp"
#include "serializers/msgpack.hpp"
#include "version.hpp"
