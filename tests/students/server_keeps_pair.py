"""Takes the pair that `accept` gives for the connection."""

import pickle
import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
print("listening on port", server.getsockname()[1])
while True:
    connection = server.accept()
    connection.send(pickle.dumps({"clientid": 1}))
