"""The lab's client many times over, written with asyncio: each connects, reads its id, says who it is, and leaves.

    asyncio_load.py PORT TIMES AT_ONCE
"""
import asyncio
import pickle
import sys
import time

port, times, at_once = (int(word) for word in sys.argv[1:4])
numbers = iter(range(1, times + 1))


async def client(number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    hello = pickle.loads(await reader.read(4096))
    assert "clientid" in hello, hello
    writer.write(pickle.dumps({"student_name": "Ada Lovelace", "github_username": "ada", "sid": number}))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def worker():
    for number in numbers:
        await client(number)


async def main():
    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    print(time.perf_counter() - began)


asyncio.run(main())
