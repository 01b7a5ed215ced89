"""What the clients in Python share."""

import asyncio
import sys


async def standard_input():
    """Gives what comes on standard input, until its end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while data := await reader.read(1 << 16):
        yield data
