"""Takes what comes for text."""

import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", int(sys.argv[1])))
greeting = client.recv(4096).decode()
print("my id is", greeting)
