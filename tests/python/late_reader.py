"""Takes a connection and reads nothing of it until it is told to on a second one.

    late_reader.py

On the second connection it receives pickled ints and answers each with a pickled dict: how many bytes wait in the first
one's kernel buffer (`unread`), how many it has read of it by now (`read`), and both together (`arrived`). 0 only asks; N reads up to N bytes before.
"""
import array
import fcntl
import pickle
import socket
import termios

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.settimeout(20)
server.bind(("127.0.0.1", 0))
server.listen(5)
print("PORT", server.getsockname()[1], flush=True)

data, _ = server.accept()
data.settimeout(20)
control, _ = server.accept()
control.settimeout(20)


def unread():
    waiting = array.array("i", [0])
    fcntl.ioctl(data, termios.FIONREAD, waiting)
    return waiting[0]


read = 0
stream = control.makefile("rb")
while True:
    try:
        wanted = pickle.load(stream)
    except EOFError:
        break
    if wanted > 0:
        read += len(data.recv(wanted))
    waiting = unread()
    control.sendall(pickle.dumps({"unread": waiting, "read": read, "arrived": read + waiting}))
