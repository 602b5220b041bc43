"""A door between a browser and a site that writes down every byte the browser receives."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class Recording:
    """What came through the door at ``url``: for each answer its address, status line, headers and body."""

    url: str
    received: list[tuple[str, bytes]] = field(default_factory=list)

    def paths(self) -> set[str]:
        """Return the paths that were asked for."""
        return {urlsplit(path).path for path, _ in self.received}


@contextmanager
def recording(site: str) -> Iterator[Recording]:
    """Open a door to the site at the URL ``site``."""
    target = urlsplit(site).netloc

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            connection = http.client.HTTPConnection(target, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            # An uncompressed answer, so that it can be searched.
            headers |= {"Accept-Encoding": "identity"}
            connection.request(self.command, self.path, self.rfile.read(length) if length else None, headers)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            told = "".join(f"{name}: {value}\n" for name, value in answer.getheaders())
            record.received.append((self.path, f"{self.path}\n{answer.status}\n{told}".encode() + body))
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_HEAD = _pass  # noqa: N815 - the base class's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    record = Recording(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield record
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
