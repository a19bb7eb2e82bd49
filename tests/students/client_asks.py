"""Right, and asks where the server is before it connects."""

import pickle
import socket

host = input("Host: ")
port = int(input("Port: "))
sock = socket.socket()
try:
    sock.connect((host, port))
except ConnectionRefusedError:
    print("no server at", host, port)
    raise SystemExit(1)
messages = sock.makefile("rb")
print("my id is", pickle.load(messages)["clientid"])
sock.sendall(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": 900000001}))
try:
    while True:
        print("the server says", pickle.load(messages))
except EOFError:
    print("the server has left")
sock.close()
