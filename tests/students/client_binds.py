"""Begins as a server does: it binds and listens where the server is."""

import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.bind(("127.0.0.1", int(sys.argv[1])))
client.listen()
connection, address = client.accept()
