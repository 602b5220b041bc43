"""A small server with OpenAI's protocol that can misbehave, for tests: real HTTP on loopback.

What it does with a call is scripted: a list of behaviours that is used up call by call, then a default.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FINGERPRINT = "fp_44709d6fcb"


@dataclass
class Call:
    """What a client sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float

    @property
    def said(self) -> str:
        """The prompt's last words."""
        return self.body["messages"][-1]["content"] if "messages" in self.body else self.body["prompt"]


Behaviour = Callable[["Handler", Call], None]


@dataclass
class Script:
    """What the server does, and what it has seen."""

    behaviours: list[Behaviour] = field(default_factory=list)
    default: Behaviour = None  # type: ignore[assignment]
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> Behaviour:
        with self.lock:
            return self.behaviours.pop(0) if self.behaviours else self.default


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_POST(self) -> None:
        script = self.server.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = Call(self.path, dict(self.headers), body, time.monotonic())
        with script.lock:
            script.calls.append(call)
            script.under_way += 1
            script.most_under_way = max(script.most_under_way, script.under_way)
        try:
            script.next()(self, call)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with script.lock:
                script.under_way -= 1

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def answer(text: str | None = None, *, choice: dict[str, Any] | None = None, **changes: Any) -> Behaviour:
    """Answer as the protocol wants: the prompt backwards, unless another text is given."""

    def act(handler: Handler, call: Call) -> None:
        said = call.said[::-1] if text is None else text
        chat = "messages" in call.body
        spoken = {"message": {"role": "assistant", "content": said}} if chat else {"text": said}
        reply = {
            "id": f"cmpl-{len(said)}",
            "model": f"{call.body['model']}-2024-08-06",
            "system_fingerprint": FINGERPRINT,
            "choices": [{"index": 0, "finish_reason": "stop", **spoken} | (choice or {})],
            "usage": {"prompt_tokens": len(call.said), "completion_tokens": len(said)},
        }
        handler.reply(200, json.dumps(reply | changes).encode(), x_request_id="req-1")

    return act


def refuse(status: int, message: str = "no", *, code: str | None = None, **headers: str) -> Behaviour:
    """Answer with an error in the protocol's form."""
    body = json.dumps({"error": {"message": message, "code": code}}).encode()
    return lambda handler, _: handler.reply(status, body, **headers)


def raw(body: bytes, *, status: int = 200, **headers: str) -> Behaviour:
    """Answer with any bytes."""
    return lambda handler, _: handler.reply(status, body, **headers)


def slow(seconds: float) -> Behaviour:
    """Answer late."""

    def act(handler: Handler, call: Call) -> None:
        handler.server.over.wait(seconds)
        answer()(handler, call)

    return act


def drip(handler: Handler, _: Call) -> None:
    """Begin an answer, and send a byte now and then."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def drop(handler: Handler, _: Call) -> None:
    """End the connection in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices"')
    handler.wfile.flush()
    handler.close_connection = True


class Server(ThreadingHTTPServer):
    """The server with its script."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.over = threading.Event()


@contextmanager
def serving() -> Iterator[Script]:
    """Serve on a free port of this machine; yield the script, whose ``url`` is the base URL."""
    script = Script(default=answer())
    server = Server(script)
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield script
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
