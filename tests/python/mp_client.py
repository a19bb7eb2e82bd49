"""A multiprocessing client without an authkey: sends, then prints what comes.

    mp_client.py PORT
"""
import sys
from multiprocessing.connection import Client

with Client(("127.0.0.1", int(sys.argv[1]))) as connection:
    connection.send({"clientid": 7, "parts": (1, 2)})
    connection.send("x" * 20_000)
    connection.send_bytes(b"no pickle")
    while True:
        try:
            data = connection.recv()
        except EOFError:
            break
        print("got", repr(data) if len(repr(data)) < 100 else "%s of %d" % (type(data).__name__, len(data)))
print("the other end left")
