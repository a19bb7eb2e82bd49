"""Sends the keys of the hand-out, where the server wants others."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect((HOST, PORT))

data = pickle.loads(client.recv(4090))
print("my id is", data["clientid"])

client.send(pickle.dumps({"name": "Ada Lovelace", "email": "ada@example.edu"}))
print("ack", pickle.loads(client.recv(4090)))
client.close()
