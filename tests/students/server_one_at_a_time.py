"""Right in all, but for one client after the other."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((HOST, PORT))
server.listen(5)
print("listening on port", server.getsockname()[1])

while True:
    client, address = server.accept()
    try:
        client.sendall(pickle.dumps({"clientid": address[1]}))
        messages = client.makefile("rb")
        print("identity", pickle.load(messages))
        client.sendall(pickle.dumps(1))
    except (EOFError, ConnectionError):
        print("a client left")
    client.close()
