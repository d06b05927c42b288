// An inbox whose connection never ends: the test hands it the messages.
#pragma once

#include <communica/peer/inbox.hpp>

namespace test {

struct PlainInbox final : communica::peer::Inbox {
    using Inbox::Inbox;
    void on_attached() override {}
    void on_detached(const communica::Error&) override {}
};

}  // namespace test
