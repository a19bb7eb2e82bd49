"""A multiprocessing listener without an authkey: prints what comes and sends it back."""
from multiprocessing.connection import Listener

with Listener(("127.0.0.1", 0)) as listener:
    print("PORT", listener.address[1], flush=True)
    with listener.accept() as connection:
        while True:
            try:
                data = connection.recv()
            except EOFError:
                break
            print("got", repr(data) if len(repr(data)) < 100 else "%s of %d" % (type(data).__name__, len(data)))
            connection.send(data)
print("the other end left")
