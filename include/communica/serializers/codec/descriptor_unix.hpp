// Descriptors: the index of one of those that the transport passes beside the message.
#pragma once

#include "../../descriptor_unix.hpp"
#include "scalars.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

namespace communica::codec {

template <>
struct Codec<Descriptor> {
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::number);
    static std::string expected() { return "descriptor"; }

    template <class W>
    static void write(W& writer, const Descriptor& value) {
        std::shared_ptr<base::Attachments>& attachments = writer.attachments();
        if (attachments != nullptr && attachments->size() == base::DescriptorList::most) {
            writer.fail("a message has at most " + std::to_string(base::DescriptorList::most) + " descriptors");
        }
        if (!value) {
            writer.fail("there is no descriptor to send; an std::optional may have none");
        }
        try {
            Descriptor own = Descriptor::duplicate_of(value.get());
            if (attachments == nullptr) {
                attachments = std::make_shared<base::DescriptorList>();
            }
            writer.integer(std::uint64_t{static_cast<base::DescriptorList&>(*attachments).add(std::move(own))});
        } catch (const std::system_error& e) {
            writer.fail(std::string("the descriptor can't be sent: ") + e.what());
        }
    }

    template <class R>
    static Descriptor read(R& reader) {
        require_kind(reader, Kind::number, expected());
        const auto index = Codec<std::uint32_t>::read(reader);
        auto* const list = static_cast<base::DescriptorList*>(base::LoadingFrom::current());
        if (list == nullptr) {
            reader.fail("expected a descriptor, but none came with the value");
        }
        Descriptor taken = list->take(index);
        if (!taken) {
            reader.fail(list->why_lost() != nullptr
                            ? std::string(list->why_lost())
                            : "descriptor " + std::to_string(index) + " did not come, or is taken already");
        }
        return taken;
    }
};

}  // namespace communica::codec
