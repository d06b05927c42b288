// Sends requests to simple_server from GLib's main loop, as poll_loop does from its own loop. A Qt program connects a
// QSocketNotifier on the same descriptor to a slot that calls run_ready.

#include "own_loop.hpp"

#include <communica/communica.hpp>

#include <asio/bind_executor.hpp>

#include <iostream>
#include <string>

#include <glib-unix.h>

gboolean run_ready(gint, GIOCondition, gpointer loop) {
    static_cast<OwnLoop*>(loop)->run_ready();
    return G_SOURCE_CONTINUE;
}

int main(int argc, char** argv) {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::TcpConnector{"localhost", 16161};
    NetworkThread network;
    OwnLoop loop;
    GMainLoop* const main_loop = g_main_loop_new(nullptr, FALSE);
    const guint source = g_unix_fd_add(loop.descriptor(), G_IO_IN, run_ready, &loop);

    int status = 0;
    communica::SimpleClient client{network.context(), connector};
    // No exception may pass through GLib, which is written in C.
    const auto show = [&](const communica::Result<std::string>& answer) {
        status = answer ? 0 : 1;
        std::cout << (answer ? *answer : answer.error().text()) << '\n';
        g_main_loop_quit(main_loop);
    };
    client.try_request<std::string>("GLib", asio::bind_executor(loop.get_executor(), show));
    g_main_loop_run(main_loop);

    g_source_remove(source);
    g_main_loop_unref(main_loop);
    return status;
}
