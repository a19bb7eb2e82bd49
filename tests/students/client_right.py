"""A right client: reads messages off the stream, says who it is, listens until the server ends."""
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

messages = client.makefile("rb")  # pickle.load reads one whole message after the other from it

data = pickle.load(messages)
print("my id is", data["clientid"])
client.sendall(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": 900000001}))

while True:
    try:
        data = pickle.load(messages)
    except (EOFError, ConnectionError):
        print("the server closed")
        break
    if data is None:
        print("the server said goodbye")
        break
    print("received", data)
client.close()
