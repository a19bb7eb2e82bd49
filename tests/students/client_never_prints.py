"""Reads every message, and prints none of them."""

import pickle
import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    client.connect(("127.0.0.1", int(sys.argv[1])))
except ConnectionRefusedError:
    print("no server")
    sys.exit(1)
messages = client.makefile("rb")
print("my id is", pickle.load(messages)["clientid"])
client.sendall(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": 900000001}))
while True:
    try:
        message = pickle.load(messages)
    except EOFError:
        break
client.close()
