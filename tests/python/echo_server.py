"""Sends each message back to the client it came from, until it leaves."""
import pickle
import socket

server = socket.socket()
server.settimeout(20)
server.bind(("127.0.0.1", 0))
server.listen(5)
print("PORT", server.getsockname()[1], flush=True)

client, address = server.accept()
client.settimeout(20)
stream = client.makefile("rb")
while True:
    try:
        message = pickle.load(stream)
    except EOFError:
        break
    print(repr(message))
    client.sendall(pickle.dumps(message))
client.close()
