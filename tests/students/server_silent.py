"""Accepts, and says nothing: each side waits for the other."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind((HOST, PORT))
server.listen(5)

while True:
    client, address = server.accept()
    print("identity", pickle.loads(client.recv(4090)))
