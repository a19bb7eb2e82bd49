"""Reads a key that is called otherwise."""

import pickle
import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", int(sys.argv[1])))
greeting = pickle.loads(client.recv(4096))
print("my id is", greeting["client_id"])
