"""What is measured, and what it is meant to reach."""
from dataclasses import dataclass, field

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Case:
    """One way to run one program: `bench_PROGRAM`, with these options for server and client."""

    group: str
    label: str
    program: str
    options: dict = field(default_factory=dict, hash=False)
    cores: int = 1  # that client and server share

    @property
    def key(self):
        return f"{self.group}/{self.label}"


GROUPS = {
    "one": "One request at a time, 64 B, Unix socket",
    "one tcp": "One request at a time, 64 B, TCP",
    "many": "64 requests at once on one connection, 64 B, Unix socket",
    "notify": "Notifications one after another, 64 B, Unix socket",
    "struct": "64 requests at once, a struct of 1 KiB, Unix socket",
    "large": "One request at a time, 1 MiB, Unix socket",
    "one tls": "One request at a time, 64 B, TLS over TCP",
    "many tls": "64 requests at once on one connection, 64 B, TLS over TCP",
    "clients": "1,000 clients with one request each, 64 B, Unix socket",
    "threads": "8 clients, a handler that works for 100 us, both cores",
    "spin": "One request at a time, 64 B, Unix socket, both cores",
    "shared": "One request at a time, 64 B, shared memory",
    "shared many": "64 requests at once on one connection, 64 B, shared memory",
    "shared spin": "One request at a time, 64 B, shared memory, both cores",
    "shared large": "One request at a time, 1 MiB, shared memory",
    "idle": "Memory of an idle connection, server side",
}
# The charts: groups, the figure that a bar shows, its name, what is better.
CHARTS = {
    "chart.svg": (["one", "many"], "cpu_us", "CPU us a request", "Shorter is better"),
    "large.svg": (["large"], "mb_per_second", "MB/s", "Longer is better"),
}
ADDED_GROUPS = ["one", "one tcp", "many", "clients"]  # whose figures stand beside those of Asio coroutines

PEERS = {
    "zeromq": "ZeroMQ",
    "sdbus": "sd-bus",
    "capnp": "Cap'n Proto",
    "grpc": "gRPC",
    "nng": "nng",
}
# The Debian packages that bring the peers; `./dev bench` installs them.
PACKAGES = {
    "zeromq": "libzmq3-dev",
    "sdbus": "libsystemd-dev",
    "capnp": "libcapnp-dev",
    "grpc": "libgrpc++-dev",
    "nng": "libnng-dev",
    "iceoryx": "libiceoryx-posh-dev",
    "iox-roudi": "iceoryx",
    "asio": "libasio-dev",
    "json": "nlohmann-json3-dev",
    "rapidjson": "rapidjson-dev",
    "openssl": "libssl-dev",
}

OURS = "communica"
ASIO = "Asio coroutines"
WAIT = "Asio coroutines, async_wait"
BLOCKING = "blocking sockets"
SLOTS = "slots and eventfds by hand, epoll"
LINE = "a cache line to and fro"


def cases():
    def case(group, label, program, variant="", cores=1, **options):
        if variant:
            options["variant"] = variant
        return Case(group, label, program, options, cores)

    yield case("one", f"{OURS} JSON", "communica", "json")
    yield case("one", f"{OURS} bytes", "communica", "bytes")
    yield case("one", f"{OURS} routes", "communica", "routes")
    yield case("one", ASIO, "asio", "coro")
    yield case("one", WAIT, "asio", "wait")
    yield case("one", BLOCKING, "blocking")

    yield case("one tcp", f"{OURS} JSON", "communica", "json", transport="tcp")
    yield case("one tcp", ASIO, "asio", "coro", transport="tcp")
    yield case("one tcp", WAIT, "asio", "wait", transport="tcp")
    yield case("one tcp", BLOCKING, "blocking", transport="tcp")

    many = {"depth": 64}
    for group, depth in (("one tls", {}), ("many tls", many)):
        yield case(group, f"{OURS} JSON", "communica_tls", "json", transport="tcp", **depth)
        yield case(group, f"{OURS} JSON, no TLS but a key", "communica_tls", "key", transport="tcp", **depth)
        yield case(group, f"{OURS} JSON, neither", "communica", "json", transport="tcp", **depth)
        yield case(group, ASIO, "asio_tls", transport="tcp", **depth)
        yield case(group, f"{ASIO}, no TLS", "asio", "coro", transport="tcp", **depth)

    yield case("many", f"{OURS} JSON", "communica", "json", **many)
    yield case("many", f"{OURS} bytes", "communica", "bytes", **many)
    yield case("many", f"{OURS} suspending handler", "communica", "suspend", **many)
    yield case("many", f"{OURS} routes", "communica", "routes", **many)
    yield case("many", ASIO, "asio", "coro", **many)
    yield case("many", WAIT, "asio", "wait", **many)
    yield case("many", BLOCKING, "blocking", **many)

    yield case("notify", f"{OURS} JSON", "communica", "notify")

    yield case("struct", f"{OURS} JSON", "communica", "struct", **many)
    yield case("struct", f"{OURS} fast JSON", "communica", "fast", **many)
    yield case("struct", "ZeroMQ, RapidJSON", "zeromq", "struct", **many)

    large = {"size": MIB}
    yield case("large", f"{OURS} JSON", "communica", "json", **large)
    yield case("large", f"{OURS} bytes", "communica", "buffer", **large)
    yield case("large", f"{OURS} bytes as std::string", "communica", "bytes", **large)
    yield case("large", f"{OURS} nlohmann alone", "communica", "nlohmann", **large)
    yield case("large", ASIO, "asio", "large", **large)
    yield case("large", BLOCKING, "blocking", **large)

    clients = {"clients": 1000}
    yield case("clients", f"{OURS} JSON", "communica", "json", **clients)
    yield case("clients", ASIO, "asio", "coro", **clients)

    yield case("threads", f"{OURS} 1 thread", "communica", "burn", cores=2, clients=8)
    yield case("threads", f"{OURS} 2 threads", "communica", "burn", cores=2, clients=8, threads=2)
    yield case("threads", f"{ASIO}, 1 thread", "asio", "burn", cores=2, clients=8)
    yield case("threads", f"{ASIO}, 2 threads", "asio", "burn", cores=2, clients=8, threads=2)

    yield case("spin", f"{OURS} JSON", "communica", "json", cores=2)
    yield case("spin", f"{OURS} JSON, spin", "communica", "json", cores=2, **{"spin-us": 50})
    yield case("spin", BLOCKING, "blocking", cores=2)
    yield case("spin", f"{BLOCKING}, spin", "blocking", cores=2, **{"spin-us": 50})

    shared = {"transport": "shared_memory"}
    spin = {"spin-us": 50}
    yield case("shared", f"{OURS} bytes", "communica", "bytes", **shared)
    yield case("shared", f"{OURS} bytes, Unix socket", "communica", "bytes")
    yield case("shared", f"{ASIO}, Unix socket", "asio", "coro")
    yield case("shared", f"{BLOCKING}, Unix socket", "blocking")
    yield case("shared", SLOTS, "slots", "epoll")
    yield case("shared", "Boost.Interprocess", "interprocess")
    yield case("shared", "iceoryx", "iceoryx", "event")
    yield case("shared many", f"{OURS} bytes", "communica", "bytes", **shared, **many)
    yield case("shared many", f"{ASIO}, Unix socket", "asio", "coro", **many)
    yield case("shared spin", f"{OURS} bytes, spin", "communica", "bytes", cores=2, **shared, **spin)
    yield case("shared spin", f"{BLOCKING}, Unix socket, spin", "blocking", cores=2, **spin)
    yield case("shared spin", LINE, "slots", "line", cores=2)
    yield case("shared spin", "iceoryx, spin", "iceoryx", "spin", cores=2)
    yield case("shared large", f"{OURS} lent", "communica", "lent", **shared, **large)
    yield case("shared large", f"{OURS} buffer, copied", "communica", "buffer", **shared, **large)
    yield case("shared large", f"{BLOCKING}, Unix socket", "blocking", **large)
    yield case("shared large", "iceoryx", "iceoryx", "event", **large)

    for program, label in PEERS.items():
        yield case("one", label, program)
        yield case("many", label, program, **many)
        yield case("large", label, program, **large)
        if program != "sdbus":
            yield case("one tcp", label, program, transport="tcp")

    yield case("idle", f"{OURS} JSON", "communica", "json", clients=1000, idle=True)
    yield case("idle", ASIO, "asio", "coro", clients=1000, idle=True)
    for program in ("zeromq", "capnp", "grpc"):
        yield case("idle", PEERS[program], program, clients=200, idle=True)


@dataclass(frozen=True)
class Target:
    """`figure` of one case divided by that of another, and what it should be.

    `without` are two cases that lack what is measured: each of the two is divided by its own first.
    """

    text: str
    figure: str
    subject: str
    baseline: str
    bound: float
    at_least: bool = False
    without: tuple = ()

    def ratio(self, figures):
        """None where a case was not run."""
        if not all(key in figures for key in (self.subject, self.baseline, *self.without)):
            return None
        def of(key):
            return figures[key][self.figure]
        ratio = of(self.subject) / of(self.baseline)
        return ratio * of(self.without[1]) / of(self.without[0]) if self.without else ratio

    def holds(self, ratio):
        return ratio >= self.bound if self.at_least else ratio <= self.bound


TARGETS = [
    Target("one at a time, Unix socket, JSON", "cpu_us", f"one/{OURS} JSON", f"one/{ASIO}", 1.00),
    Target("one at a time, Unix socket, bytes", "cpu_us", f"one/{OURS} bytes", f"one/{ASIO}", 0.95),
    Target("one at a time, TCP, JSON", "cpu_us", f"one tcp/{OURS} JSON", f"one tcp/{ASIO}", 1.05),
    Target("64 at once, JSON", "cpu_us", f"many/{OURS} JSON", f"many/{ASIO}", 2.2),
    Target("64 at once, JSON", "cpu_us", f"many/{OURS} JSON", "many/ZeroMQ", 0.5),
    Target("64 at once, bytes", "cpu_us", f"many/{OURS} bytes", f"many/{ASIO}", 1.5),
    Target("64 at once, a handler that suspends", "cpu_us", f"many/{OURS} suspending handler", f"many/{ASIO}", 3),
    Target("notifications/s, against 64 requests at once", "per_second", f"notify/{OURS} JSON", f"many/{OURS} JSON", 1,
           at_least=True),
    Target("64 at once, struct of 1 KiB", "cpu_us", f"struct/{OURS} fast JSON", "struct/ZeroMQ, RapidJSON", 0.6),
    Target("1 MiB, bytes, MB/s", "mb_per_second", f"large/{OURS} bytes", f"large/{BLOCKING}", 0.8, at_least=True),
    Target("1 MiB, JSON text, MB/s", "mb_per_second", f"large/{OURS} JSON", f"large/{OURS} nlohmann alone", 20,
           at_least=True),
    Target("routes, one at a time", "cpu_us", f"one/{OURS} routes", f"one/{OURS} JSON", 1.1),
    Target("routes, 64 at once", "cpu_us", f"many/{OURS} routes", f"many/{OURS} JSON", 1.1),
    Target("TLS, one at a time", "cpu_us", f"one tls/{OURS} JSON", f"one tls/{ASIO}", 1.1),
    Target("what TLS costs, 64 at once", "cpu_us", f"many tls/{OURS} JSON", f"many tls/{ASIO}", 1.1,
           without=(f"many tls/{OURS} JSON, neither", f"many tls/{ASIO}, no TLS")),
    Target("a shared key, one at a time", "cpu_us", f"one tls/{OURS} JSON, no TLS but a key",
           f"one tls/{OURS} JSON, neither", 1.1),
    Target("a shared key, 64 at once", "cpu_us", f"many tls/{OURS} JSON, no TLS but a key",
           f"many tls/{OURS} JSON, neither", 1.1),
    Target("1,000 clients", "cpu_us", f"clients/{OURS} JSON", f"clients/{ASIO}", 1.2),
    Target("2 threads, requests/s", "per_second", f"threads/{OURS} 2 threads", f"threads/{OURS} 1 thread", 1.7,
           at_least=True),
    Target("shared memory, one at a time", "cpu_us", f"shared/{OURS} bytes", f"shared/{SLOTS}", 1.25),
    Target("shared memory, one at a time", "cpu_us", f"shared/{OURS} bytes", f"shared/{ASIO}, Unix socket", 0.7),
    Target("shared memory, 64 at once", "cpu_us", f"shared many/{OURS} bytes", f"shared many/{ASIO}, Unix socket", 0.8),
    Target("shared memory, spin, p50", "p50_us", f"shared spin/{OURS} bytes, spin", f"shared spin/{LINE}", 3.5),
    Target("shared memory, 1 MiB lent, requests/s", "per_second", f"shared large/{OURS} lent",
           f"shared large/{BLOCKING}, Unix socket", 8, at_least=True),
    Target("shared memory, 1 MiB copied, requests/s", "per_second", f"shared large/{OURS} buffer, copied",
           f"shared large/{BLOCKING}, Unix socket", 1, at_least=True),
    Target("spin, p50", "p50_us", f"spin/{OURS} JSON, spin", f"spin/{OURS} JSON", 0.15),
]


@dataclass(frozen=True)
class Limit:
    """A bound on what one case gives by itself."""

    text: str
    subject: str
    figure: object  # of a run
    bound: float
    unit: str

    def value(self, figures):
        """None where the case was not run."""
        return self.figure(figures[self.subject]) if self.subject in figures else None


LIMITS = [
    Limit("1,000 clients, p99 / p50", f"clients/{OURS} JSON", lambda run: run["p99_us"] / run["p50_us"], 3, "x"),
    Limit("shared memory, spin, p50", f"shared spin/{OURS} bytes, spin", lambda run: run["p50_us"], 1, "us"),
    Limit("shared memory, 1 MiB lent, p50", f"shared large/{OURS} lent", lambda run: run["p50_us"], 30, "us"),
    Limit("idle connection", f"idle/{OURS} JSON", lambda run: run["idle_kb"], 4, "kB"),
]

# The scripted runs whose instructions are counted: (variant, requests at once, requests).
SCRIPTS = {
    "one at a time": ("json", 1, 2000),
    "one at a time, no deadline": ("no_deadline", 1, 2000),
    "64 at once": ("json", 64, 6400),
    "64 at once, bytes": ("bytes", 64, 6400),
    "64 at once, a handler that suspends": ("suspend", 64, 6400),
    "64 at once, routes": ("routes", 64, 6400),
    "64 at once, no deadline": ("no_deadline", 64, 6400),
    "64 notifications at once": ("notify", 64, 6400),
}
# The same exchange on Asio coroutines alone, by requests at once.
ASIO_SCRIPTS = {1: ("asio", 1, 2000), 64: ("asio", 64, 6400)}
DEADLINE_BOUND = 1.03  # with the default deadline, against none

COMPILE_BOUND = 1.6
