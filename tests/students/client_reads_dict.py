"""Reads the id out of a dict; where the server greets with a bare int, that fails."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect((HOST, PORT))

greeting = pickle.loads(client.recv(4090))
print("my id is", greeting["clientid"])

client.send(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": 900000001}))
client.close()
