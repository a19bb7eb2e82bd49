"""One recv is one message here: of two that come together, the second is lost."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect((HOST, PORT))

data = pickle.loads(client.recv(4090))
print("my id is", data["clientid"])
client.send(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": 900000001}))

welcome = pickle.loads(client.recv(4090))
print("the server says", welcome)
menu = pickle.loads(client.recv(4090))
print("the menu is", menu)
client.close()
