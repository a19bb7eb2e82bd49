"""Greets one client with a pickle, prints what the client sends, and ends when the client leaves.

    greeting_server.py dict|int|nested|instance|three|slow|values|big [PROTOCOL [PORT]]
"""
import datetime
import pickle
import socket
import sys
import time


class Menu:
    def __init__(self, client):
        self.client = client
        self.options = ["users", "chat"]


ada = {"name": "Ada"}
GREETINGS = {
    "dict": {"clientid": 7},
    "int": 7,
    "nested": {"clientid": {"clientid": 7}},
    "instance": {"menu": Menu(7)},
    "three": {"clientid": 7},
    "slow": {"clientid": 7, "option": 0},
    "values": [
        {"sent_on": datetime.datetime(2020, 2, 3, 10, 0), "password": None},
        range(0, 10, 2),
        {"TERMINATE"},
        (1, (2,), ()),
        {1: "a", 2: "b"},
        [ada, ada],
        b"\x00bytes\xff",
        1.0,
        -3,
        2**70,
        True,
        "caf\u00e9 \U0001f600",
        [],
        {},
        "",
    ],
    "big": {"blob": "x" * 3_000_000},
}

which = sys.argv[1]
protocol = int(sys.argv[2]) if len(sys.argv) > 2 else pickle.DEFAULT_PROTOCOL
greeting = pickle.dumps(GREETINGS[which], protocol)

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.settimeout(20)
server.bind(("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 0))
server.listen(5)
print("PORT", server.getsockname()[1], flush=True)

client, address = server.accept()
client.settimeout(20)
if which == "three":
    client.sendall(greeting + pickle.dumps("welcome") + pickle.dumps([1, 2, 3]))
elif which == "slow":
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in greeting:
        client.send(bytes([byte]))
        time.sleep(0.002)
elif which == "values":
    for value in GREETINGS["values"]:
        client.sendall(pickle.dumps(value, protocol))
else:
    client.sendall(greeting)

stream = client.makefile("rb")
while True:
    try:
        print("got", repr(pickle.load(stream)))
    except EOFError:
        break
print("the client left")
client.close()
