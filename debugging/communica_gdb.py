"""Shows a Buffer, a result, a client and a server in GDB: what they hold, who is connected, what waits.

    (gdb) source /usr/share/communica/communica_gdb.py
    (gdb) print server
    $1 = SimpleServer, listening, 2 clients connected = {["ann"] = connected, 1 request waits for an answer, 0 at work, ...}

It reads memory and calls nothing, so it also serves a core file. It needs debug information (-g) and, for the clients of a server,
libstdc++'s own printers, which GDB loads of itself.
"""
import re

import gdb
import gdb.printing

SHOWN = 64  # bytes of a buffer


def pointee(shared):
    """What a std::shared_ptr points to, or None."""
    return shared["_M_ptr"].dereference() if shared["_M_ptr"] else None


def first_of_tuple(value):
    """The pointer of a std::unique_ptr with a deleter, which is a tuple: the names of its members are ambiguous."""
    for base in (field for field in value.type.fields() if field.is_base_class):
        if base.name.startswith("std::_Head_base<0"):
            return value[base]["_M_head_impl"]
        found = first_of_tuple(value[base])
        if found is not None:
            return found
    return None


def referred(value):
    return value.referenced_value() if value.type.code == gdb.TYPE_CODE_REF else value


def has(value, name):
    try:
        value[name]
    except gdb.error:
        return False
    return True


def atomic(value):
    if has(value, "_M_b"):
        return value["_M_b"]["_M_p"]
    return value["_M_base"]["_M_i"] if has(value, "_M_base") else value["_M_i"]


def name_of(value):
    """`SimpleClient` of a communica::SimpleClient<...>."""
    return re.search(r"\w+(?=<)", value.type.strip_typedefs().unqualified().name).group()


def text(string):
    """A std::string's, without the printer that puts it into quotes."""
    return string["_M_dataplus"]["_M_p"].string(errors="replace", length=int(string["_M_string_length"]))


def size_of_vector(vector):
    begin, end = vector["_M_impl"]["_M_start"], vector["_M_impl"]["_M_finish"]
    return int(end - begin)


def elements(vector):
    begin = vector["_M_impl"]["_M_start"]
    return [begin[index] for index in range(size_of_vector(vector))]


def counted(count, one, several=None):
    return f"{count} {one if count == 1 else several or one + 's'}"


class BufferPrinter:
    def __init__(self, value):
        self.value = referred(value)

    def to_string(self):
        size = int(self.value["size_"])
        begin = bytes(gdb.selected_inferior().read_memory(int(self.value["data_"]), min(size, SHOWN)))
        shown = begin.decode("latin-1").encode("unicode_escape").decode().replace('"', r"\"")
        return f'{counted(size, "byte")} "{shown}"{"..." if size > SHOWN else ""}'


class ResultPrinter:
    """A `Result<T>` is a variant of the value and an Error, and a `Result<void>` an optional Error."""

    def __init__(self, value):
        self.value = referred(value)

    def children(self):
        if has(self.value, "error_"):
            error = self.value["error_"]["_M_payload"]
            if error["_M_engaged"]:
                yield "error", error["_M_payload"]["_M_value"]
            return
        types = [self.value.type.strip_typedefs().template_argument(0), gdb.lookup_type("communica::Error")]
        index = int(self.value["state_"]["_M_index"])
        if index < len(types):
            storage = self.value["state_"]["_M_u"].address
            yield ("value", "error")[index], storage.cast(types[index].pointer()).dereference()

    def to_string(self):
        return "result"


def waiting(peer):
    """What waits at either half of a peer."""
    requester = atomic(peer["made_requester_"])
    pending = unsent = 0
    if requester:
        pending, unsent = int(requester["pending_"]["count_"]), int(requester["unsent_queue_"]["messages_"]["_M_impl"]["_M_node"]["_M_size"])
    at_work = int(atomic(pointee(peer["responder_"])["at_work_"]))
    parts = [counted(pending, "request waits for its answer", "requests wait for their answers")]
    if unsent:
        parts.append(f"{unsent} of them and of notifications not sent yet")
    return ", ".join([*parts, f"{at_work} at work"])


def routes(peer):
    """How many requests of this side wait, by route."""
    found = {}
    requester = atomic(peer["made_requester_"])
    for slot in elements(requester["pending_"]["slots_"]) if requester else []:
        if first_of_tuple(slot["operation"]["_M_t"]["_M_t"]):
            name = text(slot["quoted_route"]) or "no route, or not sent yet"
            found[name] = found.get(name, 0) + 1
    return found


class ClientPrinter:
    def __init__(self, value):
        value = referred(value)
        self.name = name_of(value)
        self.core = pointee(value["core_"])
        self.peer = pointee(self.core["peer_"]) if self.core else None

    def state(self):
        if self.core["stopped_"]:
            return "stopped"
        if not self.core["running_"]:
            return "not started"
        if pointee(self.core["current_"]):
            return "connected"
        return f"connecting, {counted(int(self.core['attempts_']), 'attempt')} failed"

    def to_string(self):
        if not self.core:
            return f"{self.name}, moved from"
        return f'{self.name} "{text(self.core["options_"]["client_id"])}", {self.state()}, {waiting(self.peer)}'

    def children(self):
        for route, count in routes(self.peer).items() if self.core else ():
            yield f"waits: {route}", count


class ServerPrinter:
    def __init__(self, value):
        value = referred(value)
        self.name = name_of(value)
        self.core = pointee(value["core_"])

    def state(self):
        if self.core["stopped_"]:
            return "stopped"
        if not self.core["running_"]:
            return "not started"
        return "draining" if atomic(self.core["draining_"]) else "listening"

    def clients(self):
        known = gdb.default_visualizer(pointee(self.core["clients_"])["known_"])
        if known is None:
            return []  # without libstdc++'s printers
        values = [value for _, value in known.children()]
        return list(zip(values[::2], values[1::2]))

    def to_string(self):
        if not self.core:
            return f"{self.name}, moved from"
        clients = pointee(self.core["clients_"])
        handshakes = self.core["handshakes_"]["_M_impl"]
        parts = [f"{self.name}, {self.state()}", counted(int(clients["connected_"]), "client") + " connected"]
        if handshakes["_M_start"]["_M_cur"] != handshakes["_M_finish"]["_M_cur"]:
            parts.append("others have not said hello")
        nobody = pointee(clients["unassigned_"])
        unsent = int(nobody["unsent_queue_"]["messages_"]["_M_impl"]["_M_node"]["_M_size"])
        if unsent:
            parts.append(counted(unsent, "request waits", "requests wait") + " for the first client")
        return ", ".join(parts)

    def children(self):
        for id, known in self.clients() if self.core else ():
            peer = pointee(known["peer"])
            connected = "connected" if int(known["connections"]) else "away" if known["was_here"] else "never here"
            yield f'["{text(id)}"]', f"{connected}, {waiting(peer)}"


def build():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("communica")
    printers.add_printer("Buffer", r"^communica::(\w+::)*Buffer$", BufferPrinter)
    printers.add_printer("result", r"^communica::(\w+::)*Result<.*>$", ResultPrinter)
    printers.add_printer("client", r"^communica::(\w+::)*(Simple|Route)Client<.*>$", ClientPrinter)
    printers.add_printer("server", r"^communica::(\w+::)*(Simple|Route)Server<.*>$", ServerPrinter)
    return printers


gdb.printing.register_pretty_printer(None, build(), replace=True)
