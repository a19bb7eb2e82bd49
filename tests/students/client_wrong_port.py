"""Connects to the port of another exercise, where nobody listens."""

import pickle
import socket

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", 1))
print("my id is", pickle.loads(client.recv(4096))["clientid"])
