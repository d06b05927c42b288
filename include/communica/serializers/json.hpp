// JSON by nlohmann/json: the serializer that is used when none is named.
#pragma once

#include "plain_text.hpp"
#include "serializer.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace communica {

/// JSON for every type that nlohmann/json converts: by `to_json`/`from_json` or its `NLOHMANN_DEFINE_TYPE` macros.
///
/// Text is UTF-8, at most 128 levels deep. What JSON or the machine's numbers cannot hold is refused, never altered:
/// integers beyond 64 bits, NaN and infinity, invalid UTF-8, UTF-16 and UTF-32. Of two equal keys the last one counts.
struct JsonSerializer {
    static constexpr std::size_t max_depth = 128;

    template <class T>
        requires std::is_same_v<T, Nothing> || std::is_constructible_v<nlohmann::json, const T&>
    void dump(const T& value, Buffer& out) const {
        if constexpr (std::is_same_v<T, Nothing>) {
            out.append("null");
        } else if constexpr (is_text<T>) {
            dump_text(value, out);
        } else if constexpr (std::is_same_v<T, nlohmann::json>) {
            dump_tree(value, out);
        } else {
            dump_tree(to_tree(value), out);
        }
    }

    template <class T>
        requires std::is_same_v<T, nlohmann::json> || requires(const nlohmann::json& json) { json.template get<T>(); }
    T load(Bytes bytes) const {
        if constexpr (std::is_same_v<T, std::string>) {
            if (const auto text = plain_json_string(as_text(bytes))) {
                return T(*text);
            }
        }
        nlohmann::json tree = parse(as_text(bytes));
        if constexpr (std::is_same_v<T, nlohmann::json>) {
            return tree;
        } else {
            try {
                return tree.template get<T>();
            } catch (const nlohmann::json::exception& e) {
                throw SerializerError(e.what());
            }
        }
    }

 private:
    template <class T>
    static constexpr bool is_text =
        std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view> ||
        std::is_same_v<std::decay_t<T>, const char*> || std::is_same_v<std::decay_t<T>, char*>;

    /// Builds the tree from the parser's events, and stops it where the tree would not be what the text says.
    class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
     public:
        nlohmann::json root;
        std::string error;

        bool null() override { return add(nullptr); }
        bool boolean(bool value) override { return add(value); }
        bool number_integer(number_integer_t value) override { return add(value); }
        bool number_unsigned(number_unsigned_t value) override { return add(value); }
        bool number_float(number_float_t value, const string_t& digits) override {
            if (digits.find_first_of(".eE") == digits.npos) {
                return fail("the integer " + digits.substr(0, 40) + " does not fit 64 bits");
            }
            return add(value);
        }
        bool string(string_t& value) override { return add(std::move(value)); }
        bool binary(binary_t&) override { return false; }
        bool start_object(std::size_t) override { return open(nlohmann::json::object()); }
        bool start_array(std::size_t) override { return open(nlohmann::json::array()); }
        bool end_object() override { return close(); }
        bool end_array() override { return close(); }
        bool key(string_t& name) override {
            slot_ = &(*open_.back())[name];
            return true;
        }
        bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& e) override {
            return fail(e.what());
        }

     private:
        bool add(nlohmann::json value) {
            place(std::move(value));
            return true;
        }
        nlohmann::json* place(nlohmann::json value) {
            if (open_.empty()) {
                root = std::move(value);
                return &root;
            }
            if (open_.back()->is_array()) {
                open_.back()->push_back(std::move(value));
                return &open_.back()->back();
            }
            *slot_ = std::move(value);
            return slot_;
        }
        bool open(nlohmann::json container) {
            if (open_.size() == max_depth) {
                return fail("nested deeper than " + std::to_string(max_depth) + " levels");
            }
            open_.push_back(place(std::move(container)));
            return true;
        }
        bool close() {
            open_.pop_back();
            return true;
        }
        bool fail(std::string text) {
            error = std::move(text);
            return false;
        }

        std::vector<nlohmann::json*> open_;  // from the root to the container that is being filled
        nlohmann::json* slot_ = nullptr;     // where the value of the last key goes
    };

    static nlohmann::json parse(std::string_view text) {
        if (text.find('\0') != text.npos) {  // the parser would take it for the end, and half of UTF-16 for the whole
            throw SerializerError("a zero byte is not JSON");
        }
        TreeBuilder builder;
        if (!nlohmann::json::sax_parse(text, &builder)) {
            throw SerializerError(builder.error.empty() ? "not JSON" : builder.error);
        }
        return std::move(builder.root);
    }

    static void dump_text(std::string_view text, Buffer& out) {
        if (is_plain_text(text)) {
            out.push_back('"');
            out.append(text);
            out.push_back('"');
        } else {
            dump_tree(text, out);
        }
    }

    template <class T>
    static nlohmann::json to_tree(const T& value) {
        try {
            return nlohmann::json(value);
        } catch (const nlohmann::json::exception& e) {
            throw SerializerError(e.what());
        }
    }

    static void dump_tree(const nlohmann::json& tree, Buffer& out) {
        require_json(tree, 0);
        try {
            out.append(tree.dump());
        } catch (const nlohmann::json::exception& e) {
            throw SerializerError(e.what());
        }
    }

    /// nlohmann/json writes null for a number that JSON does not have, something else for bytes and for what did not
    /// parse, and overflows the stack on a deep tree.
    static void require_json(const nlohmann::json& tree, std::size_t depth) {
        if (tree.is_binary() || tree.is_discarded()) {
            throw SerializerError("JSON has no bytes, and nothing that did not parse");
        }
        if (tree.is_number_float() && !std::isfinite(tree.get<double>())) {
            throw SerializerError("JSON has no NaN and no infinity");
        }
        if (tree.is_structured()) {
            if (depth == max_depth) {
                throw SerializerError("nested deeper than " + std::to_string(max_depth) + " levels");
            }
            for (const nlohmann::json& element : tree) {
                require_json(element, depth + 1);
            }
        }
    }
};

}  // namespace communica
