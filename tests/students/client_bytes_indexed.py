"""The hand-out's own mistake: the bytes are indexed, not what they hold."""
import pickle
import socket
import sys

HOST = "127.0.0.1"
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 12000

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect((HOST, PORT))

serialized_data = client.recv(4090)
data = pickle.loads(serialized_data)
client_id = serialized_data["clientid"]
print("my id is", client_id)

client.send(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": 900000001}))
client.close()
