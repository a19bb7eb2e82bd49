"""Peers that misbehave, one short function each.

    faultpeer.py NAME                     a server: prints PORT n, serves as often as somebody connects, until it is ended
    faultpeer.py attack NAME PORT [N]     a client, N of them one after another; prints `done`
"""
import os
import pickle
import random
import select
import socket
import struct
import sys
import threading
import time

ID = pickle.dumps({"clientid": 7}, 4)
EXEC = b"cos\nsystem\n(S'touch lab2sh_pwned'\ntR."


def message(number):
    return pickle.dumps({"msg": "hello %d" % number}, 4)


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def until_the_client_leaves(client):
    while client.recv(65536):
        pass


def go_on(client):
    """Waits for the client's word, so that no test depends on how long something takes."""
    client.recv(65536)


def silent(client):
    until_the_client_leaves(client)


def fin_at_once(client):
    client.close()


def rst_at_once(client):
    reset(client)


def partial_then_fin(client):
    client.sendall(ID[:14])


def partial_then_silent(client):
    client.sendall(ID[:14])
    until_the_client_leaves(client)


def partial_then_rst(client):
    go_on(client)
    client.sendall(ID[:14])
    reset(client)


def rst_first(client):
    go_on(client)
    reset(client)


def rst_later(client):
    client.sendall(ID)
    go_on(client)
    reset(client)


def prefixes(client):
    """The first connection gets no byte of the message, the next one byte, and so on."""
    client.sendall(ID[: next(COUNTER)])


def slicer(client):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in ID + message(1) * 20:
        client.send(bytes([byte]))
    until_the_client_leaves(client)


def coalesce(client):
    client.sendall(ID + message(1) + message(2) + message(3))
    until_the_client_leaves(client)


def split_message(client):
    whole = message(1)
    client.sendall(ID + whole[:9])
    go_on(client)
    client.sendall(whole[9:])
    until_the_client_leaves(client)


def late_id(client):
    time.sleep(1)
    client.sendall(ID)
    until_the_client_leaves(client)


def flood(client):
    client.sendall(ID)
    while True:
        client.sendall(message(1) * 1000)


def endless_string(client):
    client.sendall(b"\x80\x04\x8d" + (1 << 40).to_bytes(8, "little"))
    while True:
        client.sendall(b"x" * 65536)


def garbage(client):
    client.sendall(b"\xff\xfe\xfd\xfc" * 8)
    until_the_client_leaves(client)


def http(client):
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def tls(client):
    client.sendall(bytes.fromhex("15030300020246"))


def ssh(client):
    client.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")


def json(client):
    client.sendall(b'{"clientid": 7}')


def text(client):
    client.sendall(b"welcome to the lab\r\n")


def framed(client):
    client.sendall(struct.pack(">L", len(ID)) + ID)


def half_close(client):
    client.sendall(ID)
    client.shutdown(socket.SHUT_WR)
    print("got", repr(pickle.load(client.makefile("rb"))), flush=True)


def never_reads(client):
    """Reads nothing until another connection comes, then everything, and says what it was."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.sendall(ID)
    if next(COUNTER) > 0:
        READ.set()
        return
    READ.wait(20)
    stream = client.makefile("rb")
    while True:
        try:
            data = pickle.load(stream)
        except EOFError:
            break
        print("got", type(data).__name__, "of", len(data), flush=True)
    print("the client left", flush=True)


def close_later(client):
    client.sendall(ID)
    go_on(client)


def slow_close(client):
    client.sendall(ID)
    client.shutdown(socket.SHUT_WR)
    time.sleep(3)


def urgent(client):
    client.sendall(ID)
    client.send(b"!", socket.MSG_OOB)
    client.sendall(message(1))
    until_the_client_leaves(client)


def wrong_shape(client):
    client.sendall(pickle.dumps([1, 2, 3]))
    until_the_client_leaves(client)


def wrong_key(client):
    client.sendall(pickle.dumps({"cliientid": 7}))
    until_the_client_leaves(client)


def wrong_type(client):
    client.sendall(pickle.dumps({"clientid": "7; rm -rf /"}))
    until_the_client_leaves(client)


def exec_(client):
    client.sendall(EXEC)
    until_the_client_leaves(client)


def same_id(client):
    client.sendall(ID)
    until_the_client_leaves(client)


# ---- bad clients

INFO = pickle.dumps({"name": "Ana", "student_id": "900000001", "github": "ana"}, 4)


def until_the_server_leaves(server):
    try:
        while server.recv(65536):
            pass
    except OSError:
        pass


def passes(server):
    """Reads on until the ack."""
    while not server.recv(4096).endswith(b"K\x01."):
        pass


def attack_ok(server):
    server.recv(4096)
    server.sendall(INFO)
    passes(server)


def attack_connect_close(server):
    server.close()


def attack_connect_rst(server):
    reset(server)


def attack_silent(server):
    until_the_server_leaves(server)


def attack_drip(server):
    for byte in INFO:
        server.send(bytes([byte]))
        time.sleep(0.2)
    reset(server)


def attack_half_info_fin(server):
    server.recv(4096)
    server.sendall(INFO[:20])


def attack_half_info_rst(server):
    server.recv(4096)
    server.sendall(INFO[:20])
    time.sleep(0.05)
    reset(server)


def attack_half_close(server):
    server.recv(4096)
    server.sendall(INFO)
    server.shutdown(socket.SHUT_WR)
    passes(server)
    print("graded", flush=True)


def attack_send_first(server):
    server.sendall(INFO)
    passes(server)


def attack_send_first_rst(server):
    """The identity is whole, and a reset follows it."""
    server.recv(4096)
    server.sendall(INFO)
    reset(server)


def attack_two_in_one(server):
    server.recv(4096)
    server.sendall(INFO + message(1))
    passes(server)


def attack_one_byte(server):
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server.recv(4096)
    for byte in INFO:
        server.send(bytes([byte]))
    passes(server)


def attack_never_reads(server):
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.sendall(INFO)
    server.settimeout(3)
    sent = 0
    try:
        while sent < 20_000_000:
            sent += server.send(message(1) * 1000)
    except OSError:
        pass
    reset(server)


def attack_deaf(server):
    """Says who it is, and never reads."""
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.sendall(INFO)
    time.sleep(50)


def attack_flood(server):
    server.sendall(INFO)
    server.setblocking(False)
    number, until = 0, time.time() + 2
    while time.time() < until:
        readable, writable, _ = select.select([server], [server], [], 0.2)
        try:
            if readable and not server.recv(65536):
                break
            if writable:
                server.send(message(number))
                number += 1
        except OSError:
            break


def attack_garbage(server):
    server.sendall(random.Random(2).randbytes(4096))
    until_the_server_leaves(server)


def attack_http(server):
    server.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    until_the_server_leaves(server)


def attack_tls(server):
    server.sendall(bytes.fromhex("16030100c8010000c40303") + bytes(190))
    until_the_server_leaves(server)


def attack_ssh(server):
    server.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
    until_the_server_leaves(server)


def attack_json(server):
    server.sendall(b'{"student_name": "Ana", "sid": 900000001}')
    until_the_server_leaves(server)


def attack_big_message(server):
    server.settimeout(5)
    size = 100_000_000
    server.sendall(b"\x80\x04\x8d" + size.to_bytes(8, "little") + b"x" * size + b".")


def attack_exec(server):
    server.recv(4096)
    server.sendall(EXEC)
    until_the_server_leaves(server)


def attack_deep(server):
    server.recv(4096)
    server.sendall(b"\x80\x04" + b"]" * 60000 + b"a" * 59999 + b".")
    until_the_server_leaves(server)


def attack_laughs(server):
    server.recv(4096)
    server.sendall(b"\x80\x04" + b"(" * 9 + b"\x8c\x03lol" + (b"2" * 9 + b"l") * 9 + b".")
    until_the_server_leaves(server)


def attack_escape_name(server):
    server.recv(4096)
    server.sendall(pickle.dumps({
        "name": "\x1b[2J\x1b]0;x\x07Eve\u202e\r\nBob: Passed",
        "student_id": "9" * 300,
        "github": "\u200b\ufeffeve\x00",
        "bio": "\x9b5n\n  seat7  Bob, 900000007\x7f",
    }))
    passes(server)


def attack_formula(server):
    server.recv(4096)
    server.sendall(pickle.dumps({"name": "=cmd|' /C calc'!A0", "student_id": "+1", "github": "@SUM(A1)", "x,\"y": "-2\t=1"}))
    passes(server)


def attack_same_student(server):
    attack_ok(server)


def attack_rst_in_backlog(server):
    reset(server)


def attack_urgent(server):
    server.recv(4096)
    server.send(b"!", socket.MSG_OOB)
    server.sendall(INFO)
    passes(server)


def attack(name, port, times):
    function = globals()["attack_" + name.replace("-", "_")]
    for _ in range(times):
        server = socket.create_connection(("127.0.0.1", port), timeout=25)
        try:
            function(server)
        except OSError:
            pass
        server.close()
    print("done", flush=True)


# ---- how they run

def count():
    number = 0
    while True:
        yield number
        number += 1


def serve(client, function):
    client.settimeout(20)
    try:
        function(client)
    except (OSError, EOFError):
        pass
    client.close()


# Nobody forgets to end it: it ends itself.
forgotten = threading.Timer(60, os._exit, [1])
forgotten.daemon = True
forgotten.start()
if sys.argv[1] == "attack":
    attack(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    sys.exit()
COUNTER = count()
READ = threading.Event()
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(50)
print("PORT", server.getsockname()[1], flush=True)
name = sys.argv[1].replace("-", "_")
function = globals().get(name) or globals()[name + "_"]
while True:
    connection, _ = server.accept()
    threading.Thread(target=serve, args=(connection, function), daemon=True).start()
