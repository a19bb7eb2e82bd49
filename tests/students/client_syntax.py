"""Its call is not closed: Python runs nothing of it."""

import pickle
import socket

sock = socket.socket(
sock.connect(("127.0.0.1", 12000))
greeting = pickle.loads(sock.recv(4096))
