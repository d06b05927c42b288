// A complete custom serializer: lists of numbers as text, separated by commas.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <charconv>
#include <exception>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

struct CommaSeparated {
    void dump(communica::Nothing, communica::Buffer&) const {}
    void dump(const std::vector<int>& numbers, communica::Buffer& out) const {
        for (const int number : numbers) {
            out.append(std::to_string(number) + ",");
        }
    }
    template <std::same_as<std::vector<int>> T>
    T load(communica::Bytes bytes) const {
        T numbers;
        const std::string_view text = communica::as_text(bytes);
        for (const char *at = text.data(), *end = at + text.size(); at != end; ++at) {
            const auto parsed = std::from_chars(at, end, numbers.emplace_back());
            if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != ',') {
                throw communica::SerializerError("number " + std::to_string(numbers.size()) + " is none");
            }
            at = parsed.ptr;
        }
        return numbers;
    }
};

inline constexpr communica::Route<std::vector<int>(std::vector<int>), CommaSeparated> sums{"sums"};

asio::awaitable<void> talk(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteTable routes;
    routes.add(sums, [](std::vector<int> numbers) {
        std::partial_sum(numbers.begin(), numbers.end(), numbers.begin());
        return numbers;
    });
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    communica::RouteClient client{executor, connector};
    co_await client.connect();

    const std::vector<int> numbers{1, 2, 3, 4};
    const auto answer = co_await client.request(sums, numbers);
    std::cout << "the sums of 1 2 3 4 are";
    for (const int sum : answer)
        std::cout << ' ' << sum;

    // The same route with raw bytes, to send a text that is not a list.
    const auto refused = co_await client.with(communica::BytesSerializer{}).try_request<std::string>("sums", "1,x,");
    std::cout << "\n1,x, is refused: " << refused.error().message << '\n';
    co_await client.close();
    co_await server.close();
}

int main() try {
    asio::io_context context;
    asio::co_spawn(context, talk(communica::MemoryConnector{}), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
