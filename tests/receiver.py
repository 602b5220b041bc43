"""A receiver of webhooks on loopback, as docs/notices.md shows one: checks the signature, may misbehave."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Inbox:
    """What came, and what is answered."""

    url: str = ""
    secret: str = ""
    answers: list[int] = field(default_factory=list)
    """Statuses to answer with, used up call by call; then 204."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    forged: int = 0


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_POST(self) -> None:
        inbox = self.server.inbox
        body = self.rfile.read(int(self.headers["Content-Length"]))
        inbox.ids.append(self.headers["webhook-id"])
        status = inbox.answers.pop(0) if inbox.answers else 204
        if not self._signed(body):
            inbox.forged += 1
            status = 401
        if status == 204:
            inbox.taken.append(json.loads(body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _signed(self, body: bytes) -> bool:
        said = b".".join(
            (self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), body)
        )
        key = base64.b64decode(self.server.inbox.secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(expected, self.headers["webhook-signature"])

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    inbox: Inbox


@contextmanager
def receiving() -> Iterator[Inbox]:
    """Listen on a free port of loopback."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.inbox = Inbox(url=f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
