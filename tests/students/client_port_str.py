"""Gives the port as it stands on the command line: as a str."""

import socket
import sys

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", sys.argv[1]))
