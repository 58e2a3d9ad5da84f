"""A client that costs little, since it shares the machine with what it measures: one kept connection, one request at a time."""

import asyncio

from tocsin.core.errors import Unavailable


class Client:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, token: str) -> None:
        self._reader, self._writer, self._token = reader, writer, token

    @classmethod
    async def open(cls, port: int, *, token: str) -> "Client":
        """Connect."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        return cls(reader, writer, token=token)

    async def post(self, path: str, body: bytes, *, media: str = "application/json") -> bytes:
        """Post and return the answer's body; raises Unavailable for any status but 2xx."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self._token}\r\n"
            f"content-type: {media}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        await self._writer.drain()
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = next((int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        content = await self._reader.readexactly(length)
        if not answer.startswith(b"http/1.1 2"):
            raise Unavailable(f"The server refused a request of the bench: {content[:200].decode('utf-8', 'replace')}")
        return content

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
