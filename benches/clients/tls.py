"""Carries standard input to a server and its answers to standard output, over TLS by Python's ssl.

    tls.py HOST:PORT CERTIFICATE
"""

import asyncio
import ssl
import sys

from streams import standard_input


async def main(address, certificate):
    host, port = address.rsplit(":", 1)
    context = ssl.create_default_context(cafile=certificate)
    context.set_alpn_protocols(["chatcore/1"])
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname="localhost")

    async def send():
        async for data in standard_input():
            writer.write(data)
            await writer.drain()

    sending = asyncio.create_task(send())
    while data := await reader.read(1 << 16):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    sending.cancel()


asyncio.run(main(*sys.argv[1:]))
