// All types that the serializers of described values support.
#pragma once

#include "chrono.hpp"
#include "codec.hpp"
#include "containers.hpp"
#include "models.hpp"
#include "platform.hpp"
#include "scalars.hpp"
#include "variant.hpp"
