"""Servers that misbehave, one short function each; a client is served as often as it connects.

    faultpeer.py NAME     prints PORT n and serves until it is ended
"""
import os
import pickle
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


COUNTER = count()
READ = threading.Event()
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(50)
print("PORT", server.getsockname()[1], flush=True)
name = sys.argv[1].replace("-", "_")
function = globals().get(name) or globals()[name + "_"]
# Nobody forgets to end it: it ends itself.
threading.Timer(60, os._exit, [1]).start()
while True:
    connection, _ = server.accept()
    threading.Thread(target=serve, args=(connection, function), daemon=True).start()
