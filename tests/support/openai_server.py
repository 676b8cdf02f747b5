"""An OpenAI-compatible server on loopback, over real HTTP, that behaves well or badly on request.

It speaks Chat Completions and Responses; a behaviour is the same in both.

In a test::

    with OpenAIServer(script=["diff", "http_429", "rewrite"], seed=1) as server:
        ...  # server.base_url, server.log, server.requests, server.tokens

As a program, for drills (it prints its base URL on the first line and serves until it is ended)::

    python tests/support/openai_server.py --port 0 --script mixed --seed 1 [--log FILE]

``GET /log`` answers with the log as JSON; ``sent`` is there when each reply was out. What a request gets
depends on the script, the seed and the request's place in the order of arrival, and on nothing else.
"""

import argparse
import contextlib
import hashlib
import json
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Self

if __package__:
    from .mutant_author import cited, design_in, edit, looked_back
    from .openai_formats import PATHS, Reply, limit_of, messages_of, payload_of
    from .scripted_researcher import Said, said
else:
    from mutant_author import cited, design_in, edit, looked_back
    from openai_formats import PATHS, Reply, limit_of, messages_of, payload_of
    from scripted_researcher import Said, said

PROSE = "I would look at the queue first, and only then at the memory. No code today."

BEHAVIOURS: dict[str, int] = {
    "diff": 6,
    "rewrite": 6,
    "fenced": 2,
    "unclosed": 1,
    "prose": 1,
    "stale_diff": 1,
    "truncated": 1,
    "no_choices": 1,
    "no_content": 1,
    "no_usage": 2,
    "http_429": 1,
    "http_500": 1,
    "hang": 1,
    "drop": 1,
    "bad_json": 1,
    "overlong": 0,
    "odd_text": 0,
    "wants_other_limit": 0,
    "given": 0,
    "verbatim": 0,
    "shown_once": 0,
    "refusal": 0,
    "failed": 0,
    "authored": 0,
    "no_tools": 0,
    "asked": 0,
}
"""Every behaviour with its weight in the script ``mixed``. ``overlong`` pays no heed to the token limit;
``odd_text`` holds a lone surrogate and a NUL; ``wants_other_limit`` refuses ``max_tokens`` as newer models do;
``given`` answers with the server's ``sources`` in turn, in a fence, ``verbatim`` with nothing but them;
``shown_once`` gives each source once, to those who ask for a program, and is ``diff`` to all others; ``failed``
is a response that ended so; ``authored`` answers as the server's ``author`` does, and so does ``no_tools``, which
refuses tools; ``asked`` answers in the form that is asked for: plans, an edit or a whole file."""

STATUS_ONLY = tuple(f"http_{status}" for status in (307, 400, 401, 402, 403, 404, 429, 500, 503))


class Entry(NamedTuple):
    """One request as the server saw it."""

    number: int
    """From 0, in order of arrival."""
    behaviour: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    """What a provider would bill, told to the client or not."""
    limit: int | None
    """The completion tokens the client allowed."""
    at: float
    """Seconds on the machine's monotonic clock."""
    digest: str
    """Of the body, however its JSON was written."""
    path: str


class OpenAIServer:
    """The server and its log. Thread-safe; use it as a context manager.

    Args:
        script: names from ``BEHAVIOURS`` or ``STATUS_ONLY``, one a request; the last one repeats. ``mixed``
            draws each request's behaviour by weight.
        seed: of the draws and of the edits in the replies.
        key: when set, any other bearer token gets a 401 whose text repeats the token it was given.
        hang_s: seconds that ``hang`` holds a connection before it closes it without an answer.
        retry_after_s: seconds in the Retry-After header of 429 and 503.
        delay_s: seconds every reply takes.
        log_path: file to which each request is appended, as a JSON line, before it is answered.
        sources: what ``given`` answers with: source ``n % len(sources)`` to request ``n``.
        author: returns what ``authored`` says to a request's body.
        keyed: whether a reply depends on the request's body alone: its behaviour is drawn from ``script``.
    """

    def __init__(
        self,
        script: Sequence[str] = ("mixed",),
        *,
        seed: int = 0,
        key: str | None = None,
        hang_s: float = 30.0,
        retry_after_s: float = 0.05,
        delay_s: float = 0.0,
        port: int = 0,
        log_path: Path | None = None,
        sources: Sequence[str] = (),
        author: Callable[[dict[str, Any]], Said] = said,
        keyed: bool = False,
    ):
        unknown = set(script) - set(BEHAVIOURS) - set(STATUS_ONLY) - {"mixed"}
        if unknown or not script:
            raise ValueError(f"expected behaviours from {[*BEHAVIOURS, *STATUS_ONLY]}, got {sorted(unknown)}")
        self.script = tuple(script)
        self.seed = seed
        self.key = key
        self.hang_s = hang_s
        self.retry_after_s = retry_after_s
        self.delay_s = delay_s
        self.keyed = keyed
        self.log: list[Entry] = []
        self.bodies: list[dict[str, Any]] = []
        self.sources = tuple(sources)
        self.author = author
        self.sent: dict[int, float] = {}
        """When the last byte of a reply was handed to the network, by number, on the clock of ``Entry.at``."""
        self.on_request: Callable[[], None] = lambda: None
        """Called for each chat request before it is logged."""
        self.closing = threading.Event()
        self.unshown = deque(self.sources)
        """What ``shown_once`` has yet to give."""
        self._log_path = log_path
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        """What to give to a client, for instance ``http://127.0.0.1:40001/v1``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def requests(self) -> int:
        """How many chat requests arrived."""
        return len(self.log)

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens that a provider would have billed."""
        return sum(entry.prompt_tokens + entry.completion_tokens for entry in self.log)

    def start(self) -> Self:
        """Serve in a thread."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop serving; hanging connections are let go."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def admit(self, path: str, body: dict[str, Any], authorized: bool) -> tuple[Entry, Reply]:
        """Log a request and decide its reply."""
        self.on_request()
        with self._lock:
            number, digest = len(self.log), digest_of(body)
            rng = Random(f"{self.seed}:{digest if self.keyed else number}")
            name = rng.choice(self.script) if self.keyed else self.script[min(number, len(self.script) - 1)]
            if name == "mixed":
                name = rng.choices(list(BEHAVIOURS), weights=list(BEHAVIOURS.values()))[0]
            if not authorized:
                name = "http_401"
            given = self.sources[number % len(self.sources)] if self.sources else ""
            if name == "shown_once":
                name = "given" if self.unshown and not looked_back(messages_of(body), rng) else "diff"
                given = self.unshown.popleft() if name == "given" else ""
            reply = compose(name, body, rng, given)
            if name in ("authored", "no_tools"):
                reply = _authored(name, body, self.author)
            model = str(body.get("model"))
            entry = Entry(number, name, model, *reply.billed, limit_of(body), time.monotonic(), digest, path)
            self.log.append(entry)
            self.bodies.append(body)
            if self._log_path is not None:
                with self._log_path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry._asdict()) + "\n")
        return entry, reply


def digest_of(body: dict[str, Any]) -> str:
    """Return a digest of a body that does not depend on the order or spacing of its JSON."""
    return hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).hexdigest()


def compose(name: str, body: dict[str, Any], rng: Random, given: str = "") -> Reply:
    """Return the reply for one behaviour; ``given`` is the source of that behaviour. Deterministic."""
    if name.startswith("http_"):
        return Reply(int(name[5:]))
    if name == "wants_other_limit" and "max_tokens" in body:
        return Reply(400)
    messages = messages_of(body)
    prompt = sum(len(m.get("content") or "") // 4 + 4 for m in messages)
    told = {"given": f"~~~~python\n{given}~~~~\n", "verbatim": given}
    text, finish = told.get(name) or _text(name, messages, rng), name if name in ("refusal", "failed") else "stop"
    allowed = limit_of(body)
    words = _tokens(text)
    if name == "overlong":
        text += f"\n{PROSE * 600}"
        words = _tokens(text)
    elif name == "truncated" or (allowed is not None and words > allowed):
        keep = len(text) * 2 // 3 if name == "truncated" else allowed * 4 if allowed else 0
        text, finish = text[:keep], "length"
        words = _tokens(text)
    usage = {"prompt": prompt, "completion": words, "cached": prompt // 8, "reasoning": words // 4}
    return Reply(
        200,
        None if name == "no_content" else text + "\ud800\0" * (name == "odd_text"),
        finish,
        0 if name == "no_choices" else 1,
        None if name == "no_usage" else usage,
        (prompt, words),
    )


def _authored(name: str, body: dict[str, Any], author: Callable[[dict[str, Any]], Said]) -> Reply:
    if name == "no_tools" and "tools" in body:
        return Reply(400, error=f"{body['model']} does not support tools")
    words = author(body)
    prompt = _tokens(json.dumps([messages_of(body), body.get("tools", [])]))
    completion = _tokens(json.dumps(words))
    usage = {"prompt": prompt, "completion": completion, "cached": prompt // 2, "reasoning": 0}
    finish = "tool_calls" if words.calls else "stop"
    return Reply(200, words.text, finish, 1, usage, (prompt, completion), words.calls)


def _text(name: str, messages: list[dict[str, str]], rng: Random) -> str:
    if name == "asked":
        asked = messages[-1]["content"]
        if "PLAN:" in asked:
            return "\n".join(f"PLAN: way {rng.randrange(10**6)}: move number {n} of the program." for n in range(4))
        name = "diff" if "<<<<<<< SEARCH" in asked else "rewrite"
    design = design_in(messages)
    change = edit(design, rng)
    idea = f"Idea: move one constant, because {change.before.strip()[:40]!r} looks untuned.{cited(messages)}"
    if name in ("prose", "no_content", "no_choices", "refusal"):
        return PROSE
    if back := looked_back(messages, rng):
        return back
    if name in ("diff", "stale_diff"):
        before = change.before if name == "diff" else f"    no such line = {rng.random()}"
        return f"{idea}\n\n<<<<<<< SEARCH\n{before}\n=======\n{change.after}\n>>>>>>> REPLACE\n"
    if name == "fenced":
        return f"{idea}\n\nFirst a sketch:\n\n```\nx = 1\n```\n\n~~~~py\n{change.source}~~~~\nThat is all."
    if name == "unclosed":
        return f"{idea}\n```python\n{change.source}"
    return f"{idea}\n\n```python\n{change.source}```\n"


def _tokens(text: str) -> int:
    return -(-len(text) // 4)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    owner: OpenAIServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the drills: say nothing."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Keep the terminal quiet."""

    def do_GET(self) -> None:
        owner = self.server.owner
        if self.path == "/log":
            entries = [entry._asdict() for entry in owner.log]
            told = {"requests": owner.requests, "tokens": owner.tokens, "entries": entries, "sent": owner.sent}
            self._send(200, told)
        else:
            self._send(404, {"error": {"message": f"no such path: {self.path}"}})

    def do_POST(self) -> None:
        owner = self.server.owner
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path not in PATHS:
            self._send(404, {"error": {"message": f"no such path: {self.path}"}})
            return
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        entry, reply = owner.admit(self.path, json.loads(raw), owner.key in (None, given))
        if owner.delay_s:
            owner.closing.wait(owner.delay_s)
        if reply.status == 200:
            self._complete(entry, reply)
        else:
            self._refuse(entry, reply, given)
        owner.sent[entry.number] = time.monotonic()

    def _refuse(self, entry: Entry, reply: Reply, given: str) -> None:
        message = f"status {reply.status}; the key was {given}"
        if entry.behaviour == "wants_other_limit":
            message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        message = reply.error or message
        headers = {"Retry-After": str(self.server.owner.retry_after_s)} if reply.status in (429, 503) else {}
        self._send(reply.status, {"error": {"message": message, "type": "test", "code": None}}, headers)

    def _complete(self, entry: Entry, reply: Reply) -> None:
        payload = json.dumps(payload_of(entry.path, entry.number, entry.model, reply)).encode()
        if entry.behaviour == "hang":
            self.server.owner.closing.wait(self.server.owner.hang_s)
            self._hang_up()
        elif entry.behaviour == "drop":
            self._head(200, len(payload), {})
            self.wfile.write(payload[: len(payload) // 2])
            self.wfile.flush()
            self._hang_up()
        elif entry.behaviour == "bad_json":
            self._send_bytes(200, payload[:-20], {})
        else:
            self._send_bytes(200, payload, {})

    def _send(self, status: int, payload: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(payload).encode(), headers or {})

    def _send_bytes(self, status: int, payload: bytes, headers: dict[str, str]) -> None:
        self._head(status, len(payload), headers)
        self.wfile.write(payload)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Serve until ended, from the command line."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible test server on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", default="mixed", help="behaviours, comma between; the last one repeats")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--key", default=None)
    parser.add_argument("--hang-s", type=float, default=30.0)
    parser.add_argument("--delay-s", type=float, default=0.0)
    parser.add_argument("--retry-after-s", type=float, default=0.05)
    parser.add_argument("--log", type=Path, default=None)
    arguments = parser.parse_args()
    server = OpenAIServer(
        arguments.script.split(","),
        seed=arguments.seed,
        key=arguments.key,
        hang_s=arguments.hang_s,
        retry_after_s=arguments.retry_after_s,
        delay_s=arguments.delay_s,
        port=arguments.port,
        log_path=arguments.log,
    )
    with server:
        print(server.base_url, flush=True)
        server.closing.wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
