"""Carries standard input to a server and its answers to standard output, over WebSocket by Python's websockets.

    websocket.py URL [CERTIFICATE]
"""

import asyncio
import ssl
import sys

from streams import standard_input
from websockets.asyncio.client import connect


async def main(url, certificate=None):
    context = ssl.create_default_context(cafile=certificate) if certificate else None
    async with connect(url, ssl=context, subprotocols=["chatcore.v1"], max_size=None) as socket:

        async def send():
            async for data in standard_input():
                await socket.send(data)

        sending = asyncio.create_task(send())
        # It raises an error if the server closes with another code than 1000 or 1001.
        async for message in socket:
            sys.stdout.buffer.write(message)
            sys.stdout.buffer.flush()
        sending.cancel()


asyncio.run(main(*sys.argv[1:]))
