"""Python's `websockets` against the server at sys.argv[1]."""

import asyncio
import os
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def echoes(url, compression):
    async with connect(url, compression=compression, max_size=None) as socket:
        agreed = socket.response.headers.get("Sec-WebSocket-Extensions", "")
        assert agreed.startswith("permessage-deflate") == (compression is not None), agreed
        for message in ["", "hello", "grüße 😀", "x" * 100_000, b"", os.urandom(1_000_000)]:
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(["in ", "three ", "fragments"])
        assert await socket.recv() == "in three fragments"
        for _ in range(1000):
            await socket.send('{"price": 7}')
        for _ in range(1000):
            assert await socket.recv() == '{"price": 7}'
        await asyncio.wait_for(await socket.ping(b"there?"), 20)
        await socket.close(4000, "thanks")
    assert (socket.close_code, socket.protocol.close_rcvd.code) == (4000, 4000)


async def is_closed(url):
    async with connect(url, subprotocols=["other", "closing"]) as socket:
        assert socket.subprotocol == "closing"
        await socket.send("close")
        try:
            await socket.recv()
        except ConnectionClosed as closed:
            assert (closed.rcvd.code, closed.rcvd.reason) == (4321, "as you wish")
            return
        raise AssertionError("it was not closed")


async def main(url):
    await echoes(url + "/", None)
    await echoes(url + "/", "deflate")
    await is_closed(url + "/closing")
    print("done")


asyncio.run(main(sys.argv[1]))
