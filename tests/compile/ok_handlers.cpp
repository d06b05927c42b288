#include "compile/prelude.hpp"

int free_function(Operands operands) { return operands.a; }

void test(Table& routes, asio::io_context& context) {
    routes.add("nothing", [] {});
    routes.add("function", free_function).add("pointer", &free_function);
    routes.add("std function", std::function<int(Operands)>(free_function));
    routes.add("context", [](communica::Context&) { return 1; });
    routes.add("caller", [](int, communica::RoutePeer<>&) {});
    routes.add("move only", [kept = std::make_unique<int>(4)](int x) { return *kept + x; });
    routes.add("mutable", [n = 0](int x) mutable { return n += x; });
    routes.add("coroutine", [](std::string text) -> asio::awaitable<std::string> { co_return text; });
    routes.add("generic", communica::with_signature<int(int)>([](auto x) { return x; }));
    routes.add("overloaded", communica::with_signature<int(std::string)>(Overloaded{}));
    routes.add("bound", communica::with_signature<int(Operands)>(std::bind_front(&Object::scaled, Object{})));
    routes.add("another serializer", [](int x) { return x; }, OtherSerializer{});

    routes.add(ping, [] { return 7; });
    routes.add(sum, [](const auto& operands) { return operands.a + operands.b; });
    routes.add(other_sum, [](auto operands, communica::Context&) { return operands.a; });

    routes.add("blocking", communica::on_executor(context, [](const std::string& text) { return text.size(); }));
    routes.add("blocking too", communica::on_executor(context.get_executor(), [](int, communica::Context&) {}));
}
