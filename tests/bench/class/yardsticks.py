"""Class servers as one would write them in Python: `yardsticks.py asyncio` or `yardsticks.py threads`.

The same handshake as load-seat.lab: {"clientid": n} at once, the first message goes on the roster, each later one gets {"ack": n}.
Nothing is imported for a message, messages are cut where their pickle ends, and a message is bounded: without these a
server is faster and unfit for a class.
"""

import asyncio
import io
import pickle
import socket
import sys
import threading

MESSAGE_MAX = 65536
BACKLOG = 4096
roster = {}


class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"not imported: {module}.{name}")


class Seat:
    """What is the same for both: bytes in, answers out."""

    __slots__ = ("number", "waiting", "messages")
    seats = 0

    def __init__(self):
        Seat.seats += 1
        self.number, self.waiting, self.messages = Seat.seats, b"", 0

    def greeting(self):
        return pickle.dumps({"clientid": self.number})

    def answers(self, arrived):
        self.waiting += arrived
        while self.waiting:
            stream = io.BytesIO(self.waiting)
            try:
                message = Plain(stream).load()
            except EOFError:
                return
            except pickle.UnpicklingError as error:
                if "truncated" not in str(error) and "exhausted" not in str(error):
                    raise
                if len(self.waiting) > MESSAGE_MAX:
                    raise
                return
            self.waiting = self.waiting[stream.tell():]
            if self.messages == 0:
                roster[self.number] = message
            else:
                yield pickle.dumps({"ack": self.messages})
            self.messages += 1


class Protocol(asyncio.Protocol):
    __slots__ = ("transport", "seat")

    def connection_made(self, transport):
        self.transport, self.seat = transport, Seat()
        transport.write(self.seat.greeting())

    def data_received(self, arrived):
        try:
            for answer in self.seat.answers(arrived):
                self.transport.write(answer)
        except pickle.UnpicklingError:
            self.transport.abort()


async def with_asyncio():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Protocol, "127.0.0.1", 0, backlog=BACKLOG)
    print("PORT", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def talk(client, seat):
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(seat.greeting())
        while arrived := client.recv(4096):
            for answer in seat.answers(arrived):
                client.sendall(answer)


def with_threads():
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        print("PORT", listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=talk, args=(client, Seat()), daemon=True).start()


if sys.argv[1] == "threads":
    with_threads()
else:
    asyncio.run(with_asyncio())
