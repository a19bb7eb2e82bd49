"""One recv is one message here: an identity that comes in two parts ends it, and one in JSON too."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind((HOST, PORT))
server.listen(5)
print("listening on port", server.getsockname()[1])

while True:
    client, address = server.accept()
    client.send(pickle.dumps({"clientid": address[1]}))
    data = client.recv(4090)
    print("identity", pickle.loads(data))
    client.send(pickle.dumps(1))
    client.close()
