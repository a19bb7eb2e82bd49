"""Clients that do not do as the hand-out says.

    other_clients.py PORT first    sends who it is before it reads its id
    other_clients.py PORT early    connects and leaves at once
    other_clients.py PORT half     sends who it is, says that it will send no more, and still reads
    other_clients.py PORT reset    reads its id and goes away with a reset
"""
import pickle
import socket
import struct
import sys

how = sys.argv[2]
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
stream = client.makefile("rb")
if how == "first":
    client.sendall(pickle.dumps({"name": "Ada", "email": "ada@example.edu"}))
    print("my id is", pickle.load(stream))
elif how == "half":
    client.sendall(pickle.dumps({"name": "Ada"}))
    client.shutdown(socket.SHUT_WR)
    while True:
        try:
            print("got", repr(pickle.load(stream)))
        except EOFError:
            break
    print("the server left")
elif how == "reset":
    print("my id is", pickle.load(stream))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
stream.close()
client.close()
