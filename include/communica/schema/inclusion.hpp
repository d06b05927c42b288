// Checks whether one type reads every value that another type writes.
#pragma once

#include "schema_view.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::schema {

/// A value that the writer may write and the reader refuses.
struct Misfit {
    std::string path;     ///< a JSON pointer in which `*` stands for any index or key; empty for the value itself
    std::string written;  ///< the types written and read there, in words
    std::string read;
    std::string sample;  ///< a refused value, as JSON or in words
};

/// Bounds the work and the depth of comparisons. The default has no bounds, for files of the user.
class Effort {
 public:
    Effort() = default;
    Effort(std::size_t steps, std::size_t depth) : steps_(steps), depth_(depth) {}

    /// Throws `std::length_error` after too many steps.
    void spend(std::size_t steps) {
        if (steps > steps_) {
            throw std::length_error("the types are too large to be compared");
        }
        steps_ -= steps;
    }

    /// One level of a recursion. Throws `std::length_error` at too deep a level.
    class Level {
     public:
        explicit Level(Effort& effort) : effort_(effort) {
            if (effort_.depth_ == 0) {
                throw std::length_error("the types are nested too deep to be compared");
            }
            --effort_.depth_;
        }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;
        ~Level() { ++effort_.depth_; }

     private:
        Effort& effort_;
    };

 private:
    std::size_t steps_ = std::numeric_limits<std::size_t>::max();
    std::size_t depth_ = std::numeric_limits<std::size_t>::max();
};

/// Returns the steps of looking at each property of an object.
inline std::size_t steps_of(const View& object) { return object.properties().size() * (1 + object.required()); }

/// Returns the JSON pointer of an element inside.
inline std::string place_in(std::string path, std::string_view key) {
    path += '/';
    path += key;
    return path;
}

/// Applies the rules by which the library's serializers read (docs/contracts.md).
class Inclusion {
 public:
    /// The misfits of a type are reported at every place of the type, until so many are reported.
    static constexpr std::size_t max_repeated = 100;

    /// Returns all misfits without duplicates. `has_bytes`: the format has a type for bytes, so that bytes are not
    /// text.
    static std::vector<Misfit> misfits(const nlohmann::json& written, const nlohmann::json& read,
                                       bool has_bytes = false) {
        Effort unbounded;
        return misfits(written, read, has_bytes, unbounded);
    }
    static std::vector<Misfit> misfits(const nlohmann::json& written, const nlohmann::json& read, bool has_bytes,
                                       Effort& effort) {
        Inclusion inclusion(effort);
        inclusion.has_bytes_ = has_bytes;
        inclusion.compare(View(written), View(read), "");
        return std::move(inclusion.misfits_);
    }

 private:
    using Kind = View::Kind;

    explicit Inclusion(Effort& effort) : effort_(effort) {}

    void misfit(const std::string& path, const View& written, const View& read, std::string sample) {
        misfit(path, written.words(), read.words(), std::move(sample));
    }
    void misfit(const std::string& path, std::string written, std::string read, std::string sample) {
        effort_.spend(misfits_.size() + path.size() + written.size() + read.size());
        const bool is_known = std::any_of(misfits_.begin(), misfits_.end(), [&](const Misfit& known) {
            return known.path == path && known.written == written && known.read == read;
        });
        if (!is_known) {
            misfits_.push_back({path, std::move(written), std::move(read), std::move(sample)});
        }
    }

    using Pair = std::pair<const nlohmann::json*, const nlohmann::json*>;

    /// Compares a pair of types once for all its places: else the work doubles with every type that refers to the
    /// others. A pair that an enclosing call compares counts as fitting. A pair that was found to fit inside a pair
    /// with misfits may depend on it, and is compared again.
    void compare(const View& written, const View& read, const std::string& path) {
        const Effort::Level level(effort_);
        effort_.spend(written.kind() == Kind::any_of || read.kind() == Kind::any_of ? 512 : 64);
        const Pair pair(written.identity(), read.identity());
        if (read.kind() == Kind::any || fitting_.contains(pair)) {
            return;
        }
        if (const auto known = failed_.find(pair); known != failed_.end()) {
            return add_all(path, known->second, max_repeated);
        }
        const std::size_t earlier = order_.size();
        fitting_.insert(pair);
        order_.push_back(pair);
        auto outer = std::exchange(misfits_, {});
        compare_types(written, read);
        std::vector<Misfit> found = std::exchange(misfits_, std::move(outer));
        if (found.empty()) {
            return;
        }
        for (; order_.size() != earlier; order_.pop_back()) {
            fitting_.erase(order_.back());
        }
        add_all(path, found, std::numeric_limits<std::size_t>::max());
        failed_.emplace(pair, std::move(found));
    }

    /// Adds misfits that were found without their path, up to `most` in all.
    void add_all(const std::string& path, const std::vector<Misfit>& found, std::size_t most) {
        for (const Misfit& one : found) {
            if (!misfits_.empty() && misfits_.size() >= most) {
                return;
            }
            misfit(path + one.path, one.written, one.read, one.sample);
        }
    }

    void compare_types(const View& written, const View& read, const std::string& path = "") {
        if (written.kind() == Kind::any_of) {
            for (const View& one : written.alternatives()) {
                compare(one, read, path);
            }
        } else if (read.kind() == Kind::any_of) {
            compare_to_one(written, read, path);
        } else if (written.kind() == Kind::any) {
            misfit(path, written, read, sample_beside(read));
        } else if (written.kind() == Kind::opaque || read.kind() == Kind::opaque) {
            if (written.text("x-type") != read.text("x-type")) {
                misfit(path, written, read, "what it can not read");
            }
        } else {
            compare_kinds(written, read, path);
        }
    }

    void compare_kinds(const View& written, const View& read, const std::string& path) {
        const bool numbers = written.kind() == Kind::integer || written.kind() == Kind::number;
        if (numbers && (read.kind() == Kind::integer || read.kind() == Kind::number)) {
            return compare_numbers(written, read, path);
        }
        if (written.kind() != read.kind()) {
            return misfit(path, written, read, sample_of(written));
        }
        switch (written.kind()) {
            case Kind::string: return compare_texts(written, read, path);
            case Kind::array: return compare_arrays(written, read, path);
            case Kind::object: return compare_objects(written, read, path);
            default: return;
        }
    }

    /// Selects the alternative as a variant does: for an object by its keys, else by its kind.
    void compare_to_one(const View& written, const View& read, const std::string& path) {
        std::vector<View> fitting;
        for (const View& one : read.alternatives()) {
            effort_.spend(steps_of(one));
            const bool numbers = (written.kind() == Kind::integer || written.kind() == Kind::number) &&
                                 (one.kind() == Kind::integer || one.kind() == Kind::number);
            if (one.kind() == Kind::any || one.kind() == written.kind() || numbers) {
                fitting.push_back(one);
            }
        }
        if (written.kind() == Kind::object && fitting.size() > 1) {
            fitting = chosen_by_keys(written, fitting);
        }
        if (fitting.empty()) {
            return misfit(path, written, read, sample_of(written));
        }
        std::vector<Misfit> fewest;
        for (const View& one : fitting) {
            const auto before = std::exchange(misfits_, {});
            compare(written, one, path);
            auto found = std::exchange(misfits_, before);
            if (found.empty()) {
                return;
            }
            if (fewest.empty() || found.size() < fewest.size()) {
                fewest = std::move(found);
            }
        }
        for (Misfit& one : fewest) {
            misfit(one.path, std::move(one.written), std::move(one.read), std::move(one.sample));
        }
    }

    /// Selects the first struct whose tag or required fields are present, else a map.
    static std::vector<View> chosen_by_keys(const View& written, const std::vector<View>& objects) {
        for (const View& object : objects) {
            if (object.kind() == Kind::object && !object.is_map() && keys_fit(written, object)) {
                return {object};
            }
        }
        for (const View& object : objects) {
            if (object.kind() == Kind::any || object.is_map()) {
                return {object};
            }
        }
        return {};
    }
    static bool keys_fit(const View& written, const View& read) {
        for (const auto& [name, schema] : read.properties().items()) {
            if (schema.contains("const")) {
                return written.has_property(name) && written.property(name).has_one_name(read.property(name).names());
            }
        }
        for (const auto& [name, schema] : read.properties().items()) {
            if (read.requires_property(name) && !written.always_writes(name)) {
                return false;
            }
        }
        const auto& properties = written.properties().items();
        return !read.refuses_unknown() || std::all_of(properties.begin(), properties.end(), [&](const auto& property) {
            return read.has_property(property.key());
        });
    }

    void compare_numbers(const View& written, const View& read, const std::string& path) {
        if (!written.writes_integers_alone()) {
            if (read.kind() == Kind::integer) {
                return misfit(path, written, read, "0.5");
            }
            if (written.maximum() > read.maximum() || written.minimum() < read.minimum() ||
                (read.is_float() && !written.is_float() && !written.is_duration())) {
                return misfit(path, written, read, "1e300");
            }
            if (!written.is_duration()) {
                return;
            }
        }
        const auto [least, most] = integers_read(read);
        const bool has_bounds = written.kind() == Kind::integer;
        const std::uint64_t most_written =
            has_bounds ? written.most() : static_cast<std::uint64_t>(std::min(written.maximum(), 9e18));
        const std::int64_t least_written =
            has_bounds ? written.least() : static_cast<std::int64_t>(std::max(written.minimum(), -9e18));
        if (most_written > most) {
            misfit(path, written, read, std::to_string(most + 1));
        } else if (least_written < least) {
            misfit(path, written, read, std::to_string(least - 1));
        }
    }

    /// Returns the range of the integers that are read exactly. A float holds all integers of 24 bits and a double of
    /// 53, but only some larger ones.
    static std::pair<std::int64_t, std::uint64_t> integers_read(const View& read) {
        if (read.kind() == Kind::integer) {
            return {read.least(), read.most()};
        }
        if (read.is_duration() && read.has("maximum")) {
            return {static_cast<std::int64_t>(std::max(read.minimum(), -9.2e18)),
                    static_cast<std::uint64_t>(std::min(read.maximum(), 9.2e18))};
        }
        const std::int64_t exact = std::int64_t{1} << (read.is_float() ? 24 : 53);
        return {-exact, static_cast<std::uint64_t>(exact)};
    }

    void compare_texts(const View& written, const View& read, const std::string& path) {
        if (has_bytes_ && (written.form() == "base64") != (read.form() == "base64")) {
            return misfit(path, written, read, sample_of(written));
        }
        const auto names = read.names();
        effort_.spend((names.size() + 1) * (written.names().size() + 1));
        if (!names.empty()) {
            for (const std::string& name : written.names()) {
                if (std::find(names.begin(), names.end(), name) == names.end()) {
                    return misfit(path, written, read, quoted(name));
                }
            }
            if (written.names().empty()) {
                misfit(path, written, read, "another text");
            }
        } else if (!read.form().empty() && written.form() != read.form()) {
            misfit(path, written, read, written.names().empty() ? "\"?\"" : quoted(written.names().front()));
        } else if (read.bytes() != View::no_size && written.bytes() != read.bytes()) {
            misfit(path, written, read, "another number of bytes");
        }
    }

    void compare_arrays(const View& written, const View& read, const std::string& path) {
        if (written.min_items() < read.min_items() || written.max_items() > read.max_items()) {
            const bool is_fixed = written.min_items() == written.max_items();
            return misfit(path, written, read, is_fixed ? sample_of(written) : "an array of another size");
        }
        const std::size_t prefix = std::max(written.prefix(), read.prefix());
        for (std::size_t index = 0; index != std::min(prefix, written.max_items()); ++index) {
            compare(written.item(index), read.item(index), place_in(path, std::to_string(index)));
        }
        if (written.max_items() > prefix) {
            compare(written.item(prefix), read.item(prefix), place_in(path, "*"));
        }
    }

    void compare_objects(const View& written, const View& read, const std::string& path) {
        effort_.spend(steps_of(written) + steps_of(read));
        for (const auto& [name, schema] : read.properties().items()) {
            if (read.requires_property(name) && !written.always_writes(name)) {
                misfit(place_in(path, name), written.has_property(name) ? "optional" : "nothing",
                       read.property(name).words(), "an object without it");
            }
        }
        if (written.is_map()) {
            compare_map(written, read, path);
        }
        for (const auto& [name, schema] : written.properties().items()) {
            const std::string place = place_in(path, name);
            if (read.has_property(name)) {
                compare_field(written, name, read.property(name), place);
            } else if (read.is_map()) {
                compare_field(written, name, read.values(), place);
            } else if (read.refuses_unknown()) {
                misfit(place, written.property(name).words(), "nothing", "it");
            }
        }
    }

    /// Skips null if the object omits fields that are null.
    void compare_field(const View& object, const std::string& name, const View& read, const std::string& path) {
        for (const View& one : object.property(name).alternatives()) {
            if (object.always_writes(name) || one.kind() != Kind::null) {
                compare(one, read, path);
            }
        }
    }

    void compare_map(const View& written, const View& read, const std::string& path) {
        for (const auto& [name, schema] : read.properties().items()) {
            compare(written.values(), read.property(name), place_in(path, name));
        }
        if (read.is_map()) {
            compare(written.values(), read.values(), place_in(path, "*"));
        } else if (read.refuses_unknown()) {
            misfit(place_in(path, "*"), written.values().words(), "nothing", "another key");
        }
    }

    static std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

    static std::string sample_of(const View& written) {
        switch (written.kind()) {
            case Kind::null: return "null";
            case Kind::boolean: return "true";
            case Kind::integer: return "1";
            case Kind::number: return written.writes_integers_alone() ? "1" : "0.5";
            case Kind::string:
                return !written.names().empty()     ? quoted(written.names().front())
                       : written.form() == "base64" ? "bytes"
                                                    : "a text";
            case Kind::array: return "an array";
            case Kind::object: return "an object";
            default: return "a value of another kind";
        }
    }
    /// Returns a value of another kind.
    static std::string sample_beside(const View& read) { return read.kind() == Kind::null ? "true" : "null"; }

    Effort& effort_;
    bool has_bytes_ = false;
    std::vector<Misfit> misfits_;
    std::set<Pair> fitting_;   // found to fit, or being compared in enclosing calls
    std::vector<Pair> order_;  // in which they were added
    std::map<Pair, std::vector<Misfit>> failed_;
};

}  // namespace communica::schema
