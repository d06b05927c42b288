// Descriptors in values: their index in the format, and themselves beside the bytes.
#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/descriptor_unix.hpp>
#include <communica/schema/schema.hpp>
#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/model.hpp>
#include <communica/serializers/msgpack.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

namespace codec_descriptor_tests {

using communica::Buffer;
using communica::Descriptor;
using communica::SerializerError;
using communica::base::Attachments;
using communica::base::DescriptorList;
using communica::base::LoadingFrom;
using test::what_of;

struct Files {
    std::string name;
    std::vector<Descriptor> all;
    std::optional<Descriptor> log;
    std::map<std::string, Descriptor> by_name;
};
COMMUNICA_MODEL(Files, name, all, log, by_name)

namespace {

Descriptor null_device() { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

struct ::stat status_of(const Descriptor& file) {
    struct ::stat status{};
    REQUIRE(::fstat(file.get(), &status) == 0);
    return status;
}

/// Those that are dumped, as if they had passed.
template <class S, class T, class Value>
T through(const Value& value) {
    Buffer out;
    S().dump(value, out);
    const LoadingFrom attachments(out.attached());
    return S().template load<T>(out.bytes());
}

std::shared_ptr<DescriptorList> list_of(std::size_t count) {
    auto list = std::make_shared<DescriptorList>();
    for (std::size_t index = 0; index != count; ++index) {
        list->add(null_device());
    }
    return list;
}

template <class T>
std::optional<std::string> refusal(std::string_view json, Attachments* attachments) {
    return what_of([&] {
        const LoadingFrom from(attachments);
        (void)communica::JsonSerializer().load<T>(communica::as_bytes(json));
    });
}

}  // namespace

TEMPLATE_TEST_CASE("descriptors pass in every format and container", "", communica::JsonSerializer,
                   communica::MsgpackSerializer, communica::CborSerializer) {
    Files files{"some", {}, null_device(), {}};
    files.all.push_back(null_device());
    files.all.push_back(null_device());
    files.by_name.emplace("null", null_device());
    const Files loaded = through<TestType, Files>(files);
    CHECK(loaded.name == "some");
    REQUIRE(loaded.all.size() == 2);
    REQUIRE(loaded.log);
    for (const Descriptor* one : {&loaded.all[0], &loaded.all[1], &*loaded.log, &loaded.by_name.at("null")}) {
        CHECK(status_of(*one).st_rdev == status_of(files.all[0]).st_rdev);
        CHECK((::fcntl(one->get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK_FALSE(through<TestType, std::optional<Descriptor>>(std::optional<Descriptor>()));
    using Either = std::variant<std::string, Descriptor>;
    CHECK(std::get<1>(through<TestType, Either>(Either(null_device()))));
}

TEST_CASE("a descriptor is a number in the format, and its own stays with the sender") {
    std::vector<Descriptor> files;
    files.push_back(null_device());
    files.push_back(null_device());
    Buffer out;
    communica::JsonSerializer().dump(files, out);
    CHECK(out.text() == "[0,1]");
    REQUIRE(out.attached() != nullptr);
    CHECK(out.attached()->size() == 2);
    const Buffer copy = out.copy();
    CHECK(copy.attached() == out.attached());
    out.release();
    CHECK(out.attached() == nullptr);
    CHECK(status_of(files[0]).st_rdev != 0);
}

TEST_CASE("descriptors that can't be sent are refused with their place") {
    const auto refused = [](const auto& value) {
        Buffer out;
        return what_of([&] { communica::JsonSerializer().dump(value, out); });
    };
    CHECK(refused(Descriptor()) == "there is no descriptor to send; an std::optional may have none");
    std::vector<Descriptor> files(254);
    for (Descriptor& file : files) {
        file = null_device();
    }
    CHECK(refused(files) == "/253: a message has at most 253 descriptors");
    files.pop_back();
    CHECK_FALSE(refused(files));
    const Descriptor closed(::dup(0));
    ::close(closed.get());
    CHECK(refused(closed).value_or("").starts_with("the descriptor can't be sent: "));
}

TEST_CASE("each descriptor is taken once") {
    using List = std::vector<Descriptor>;
    CHECK_FALSE(refusal<List>("[1,0]", list_of(2).get()));
    CHECK(refusal<List>("[0,0]", list_of(2).get()) == "/1: descriptor 0 did not come, or is taken already");
    CHECK(refusal<List>("[2]", list_of(2).get()) == "/0: descriptor 2 did not come, or is taken already");
    CHECK(refusal<List>("[\"0\"]", list_of(2).get()) == "/0: expected descriptor, got \"0\"");
    CHECK(refusal<Descriptor>("-1", list_of(2).get()));
    CHECK(refusal<Descriptor>("4294967296", list_of(2).get()));
    CHECK(refusal<Descriptor>("0", nullptr) == "expected a descriptor, but none came with the value");
    const auto incomplete = list_of(2);
    incomplete->lose(communica::base::DescriptorList::not_passed);
    CHECK(refusal<Descriptor>("0", incomplete.get()).value_or("").starts_with("the system did not pass all"));
}

TEST_CASE("a value that is loaded inside of another one's loading has no descriptors of it") {
    const auto list = list_of(1);
    const LoadingFrom outer(list.get());
    CHECK(refusal<Descriptor>("0", nullptr));
    CHECK(LoadingFrom::current() == list.get());
}

TEST_CASE("parts of messages have no descriptors") {
    Buffer out;
    CHECK(what_of([&] { communica::codec::dump_part(communica::JsonSerializer(), null_device(), out); }));
    CHECK(out.attached() == nullptr);
    communica::codec::dump_part(communica::JsonSerializer(), 1, out);
    CHECK(out.text() == "1");
}

TEST_CASE("a contract tells descriptors from numbers") {
    CHECK(communica::schema_of<Descriptor>().dump() == R"({"x-type":"communica::Descriptor"})");
}

}  // namespace codec_descriptor_tests
