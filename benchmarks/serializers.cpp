// Dump and load of 64 B, 1 KiB and 1 MiB: a struct, a generic value and a string, by each serializer and by the
// libraries that were evaluated for fast JSON.
//
//     cmake --preset release -DCOMMUNICA_BUILD_BENCHMARKS=ON && cmake --build --preset release --target bench_serializers
//     build/release/benchmarks/bench_serializers --benchmark_filter=struct/load

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/msgpack.hpp>

#ifdef BENCH_FAST_JSON
#include <communica/serializers/fast_json.hpp>
#endif
#ifdef BENCH_RAPIDJSON
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#endif
#ifdef BENCH_BOOST_JSON
#include <boost/json.hpp>
#endif

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Item {
    std::int64_t id = 0;
    std::string name;
    double price = 0;
    std::vector<std::string> tags;
    bool available = false;
};
COMMUNICA_MODEL(Item, id, name, price, tags, available)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Item, id, name, price, tags, available)

struct Order {
    std::int64_t id = 0;
    std::string customer;
    double total = 0;
    std::vector<Item> items;
};
COMMUNICA_MODEL(Order, id, customer, total, items)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Order, id, customer, total, items)

Order make_order(std::size_t items) {
    Order order{123456, "Ann Example", 345.67, {}};
    for (std::size_t index = 0; index != items; ++index) {
        order.items.push_back({static_cast<std::int64_t>(1000 + index),
                               "an item called " + std::to_string(index),
                               12.25 * static_cast<double>(index) + 0.99,
                               {"red", "large", "on sale"},
                               index % 2 == 0});
    }
    return order;
}

// ---- a load and a dump function of each library --------------------------------------------------------------------

template <class S, class T>
struct Communica {
    static T load(std::string_view bytes) { return S{}.template load<T>(communica::as_bytes(bytes)); }
    static void dump(const T& value, std::string& out) {
        communica::Buffer buffer;
        S{}.dump(value, buffer);
        benchmark::DoNotOptimize(buffer.data());
        if (out.empty()) {
            out = buffer.text();  // once: the input of the load
        }
    }
};

template <class T>
struct Nlohmann {
    static T load(std::string_view bytes) { return nlohmann::json::parse(bytes).get<T>(); }
    static void dump(const T& value, std::string& out) { out = nlohmann::json(value).dump(); }
};

#ifdef BENCH_RAPIDJSON
struct RapidValue {
    rapidjson::Document document;
};

template <class T>
struct Rapid {
    static T load(std::string_view bytes) {
        rapidjson::Document document;
        document.Parse<rapidjson::kParseValidateEncodingFlag>(bytes.data(), bytes.size());
        if constexpr (std::is_same_v<T, std::string>) {
            return {document.GetString(), document.GetStringLength()};
        } else if constexpr (std::is_same_v<T, Order>) {
            Order order{document["id"].GetInt64(), document["customer"].GetString(), document["total"].GetDouble(), {}};
            for (const auto& from : document["items"].GetArray()) {
                Item item{from["id"].GetInt64(),
                          from["name"].GetString(),
                          from["price"].GetDouble(),
                          {},
                          from["available"].GetBool()};
                for (const auto& tag : from["tags"].GetArray()) {
                    item.tags.emplace_back(tag.GetString(), tag.GetStringLength());
                }
                order.items.push_back(std::move(item));
            }
            return order;
        } else {
            return {std::move(document)};
        }
    }
    static void dump(const T& value, std::string&) {
        rapidjson::StringBuffer buffer;
        rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
        const auto text = [&](const std::string& s) { writer.String(s.data(), static_cast<unsigned>(s.size())); };
        if constexpr (std::is_same_v<T, std::string>) {
            text(value);
        } else if constexpr (std::is_same_v<T, Order>) {
            writer.StartObject();
            writer.Key("id"), writer.Int64(value.id);
            writer.Key("customer"), text(value.customer);
            writer.Key("total"), writer.Double(value.total);
            writer.Key("items"), writer.StartArray();
            for (const Item& item : value.items) {
                writer.StartObject();
                writer.Key("id"), writer.Int64(item.id);
                writer.Key("name"), text(item.name);
                writer.Key("price"), writer.Double(item.price);
                writer.Key("tags"), writer.StartArray();
                for (const std::string& tag : item.tags) {
                    text(tag);
                }
                writer.EndArray();
                writer.Key("available"), writer.Bool(item.available);
                writer.EndObject();
            }
            writer.EndArray();
            writer.EndObject();
        } else {
            value.document.Accept(writer);
        }
        benchmark::DoNotOptimize(buffer.GetString());
    }
};
#endif

#ifdef BENCH_BOOST_JSON
namespace json = boost::json;

Item tag_invoke(json::value_to_tag<Item>, const json::value& value) {
    const auto& from = value.as_object();
    return {value_to<std::int64_t>(from.at("id")), value_to<std::string>(from.at("name")),
            value_to<double>(from.at("price")), value_to<std::vector<std::string>>(from.at("tags")),
            value_to<bool>(from.at("available"))};
}
Order tag_invoke(json::value_to_tag<Order>, const json::value& value) {
    const auto& from = value.as_object();
    return {value_to<std::int64_t>(from.at("id")), value_to<std::string>(from.at("customer")),
            value_to<double>(from.at("total")), value_to<std::vector<Item>>(from.at("items"))};
}
void tag_invoke(json::value_from_tag, json::value& value, const Item& item) {
    value = {{"id", item.id},
             {"name", item.name},
             {"price", item.price},
             {"tags", json::value_from(item.tags)},
             {"available", item.available}};
}
void tag_invoke(json::value_from_tag, json::value& value, const Order& order) {
    value = {{"id", order.id},
             {"customer", order.customer},
             {"total", order.total},
             {"items", json::value_from(order.items)}};
}

template <class T>
struct Boost {
    static T load(std::string_view bytes) {
        if constexpr (std::is_same_v<T, json::value>) {
            return json::parse({bytes.data(), bytes.size()});
        } else {
            return json::value_to<T>(json::parse({bytes.data(), bytes.size()}));
        }
    }
    static void dump(const T& value, std::string&) {
        if constexpr (std::is_same_v<T, json::value>) {
            benchmark::DoNotOptimize(json::serialize(value));
        } else {
            benchmark::DoNotOptimize(json::serialize(json::value_from(value)));
        }
    }
};
#endif

// ---- cases ---------------------------------------------------------------------------------------------------------

template <class Library>
void load(benchmark::State& state, const std::string& bytes) {
    for (auto _ : state) {
        auto value = Library::load(bytes);
        benchmark::DoNotOptimize(value);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
    state.counters["bytes"] = static_cast<double>(bytes.size());
}

template <class Library, class T>
void dump(benchmark::State& state, const T& value) {
    std::string out = "not empty";
    for (auto _ : state) {
        Library::dump(value, out);
        benchmark::DoNotOptimize(out.data());
    }
}

template <class Library, class T>
void add(const std::string& what, const std::string& size, const std::string& name, const T& value,
         const std::string& bytes) {
    benchmark::RegisterBenchmark((what + "/load/" + size + "/" + name).c_str(),
                                 [bytes](benchmark::State& state) { load<Library>(state, bytes); });
    benchmark::RegisterBenchmark((what + "/dump/" + size + "/" + name).c_str(),
                                 [&value](benchmark::State& state) { dump<Library>(state, value); });
}

/// Adds the dump of a value that the library has loaded itself.
template <class Library>
void add_loaded(const std::string& size, const std::string& name, const std::string& bytes) {
    static std::vector<decltype(Library::load(bytes))*> kept;  // never freed
    kept.push_back(new auto(Library::load(bytes)));
    add<Library>("generic", size, name, *kept.back(), bytes);
}

template <class S, class T>
std::string bytes_of(const T& value) {
    std::string out;
    Communica<S, T>::dump(value, out);
    return out;
}

template <class T>
void add_all(const std::string& what, const std::string& size, const T& value) {
    using namespace communica;
    const std::string json = bytes_of<JsonSerializer>(value);
    add<Nlohmann<T>>(what, size, "nlohmann", value, json);
    add<Communica<JsonSerializer, T>>(what, size, "JsonSerializer", value, json);
#ifdef BENCH_FAST_JSON
    add<Communica<FastJsonSerializer, T>>(what, size, "FastJsonSerializer", value, json);
#endif
#ifdef BENCH_RAPIDJSON
    add<Rapid<T>>(what, size, "RapidJSON", value, json);
#endif
#ifdef BENCH_BOOST_JSON
    add<Boost<T>>(what, size, "Boost.JSON", value, json);
#endif
    add<Communica<MsgpackSerializer, T>>(what, size, "MsgpackSerializer", value, bytes_of<MsgpackSerializer>(value));
    add<Communica<CborSerializer, T>>(what, size, "CborSerializer", value, bytes_of<CborSerializer>(value));
}

void add_generic(const std::string& size, const Order& order) {
    using namespace communica;
    const std::string bytes = bytes_of<JsonSerializer>(order);
    add_loaded<Nlohmann<nlohmann::json>>(size, "nlohmann", bytes);
    add_loaded<Communica<JsonSerializer, nlohmann::json>>(size, "JsonSerializer", bytes);
#ifdef BENCH_FAST_JSON
    add_loaded<Communica<FastJsonSerializer, nlohmann::json>>(size, "FastJsonSerializer", bytes);
    add_loaded<Communica<FastJsonSerializer, FastJsonDocument>>(size, "FastJsonDocument", bytes);
#endif
#ifdef BENCH_RAPIDJSON
    add_loaded<Rapid<RapidValue>>(size, "RapidJSON", bytes);
#endif
#ifdef BENCH_BOOST_JSON
    add_loaded<Boost<json::value>>(size, "Boost.JSON", bytes);
#endif
    add_loaded<Communica<MsgpackSerializer, nlohmann::json>>(size, "MsgpackSerializer",
                                                             bytes_of<MsgpackSerializer>(order));
}

}  // namespace bench

int main(int argc, char** argv) {
    const std::vector<std::pair<std::string, std::size_t>> orders{{"64B", 0}, {"1KiB", 9}, {"1MiB", 9400}};
    static std::vector<bench::Order> values;
    static std::vector<std::string> texts;
    values.reserve(orders.size());
    texts.reserve(orders.size());
    for (const auto& [size, items] : orders) {
        bench::add_all("struct", size, values.emplace_back(bench::make_order(items)));
        bench::add_generic(size, values.back());
    }
    for (const auto& [size, bytes] : {std::pair{"64B", 62}, {"1KiB", 1022}, {"1MiB", 1024 * 1024 - 2}}) {
        bench::add_all("text", size, texts.emplace_back(std::string(static_cast<std::size_t>(bytes), 'x')));
    }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
