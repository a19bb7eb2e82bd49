"""Reads on until a message is whole, and forgets what came behind it."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    client.connect((HOST, PORT))
except ConnectionRefusedError:
    print("no server at", HOST, PORT)
    sys.exit(1)


def receive():
    data = b""
    while True:
        part = client.recv(4090)
        if not part:
            return None
        data += part
        try:
            return pickle.loads(data)
        except pickle.UnpicklingError:
            pass  # the rest is still on its way


greeting = receive()
print("my id is", greeting["clientid"])
client.sendall(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": 900000001}))

while True:
    message = receive()
    if message is None:
        break
    print("received", message)
client.close()
