"""The one author for every framework: an OpenAI-compatible server on loopback that edits at random.

It sees a prompt as a model does, takes the program to be improved out of it, and answers in the form asked for:
the whole program in a fence, or one search/replace block. What it writes depends on its seed, on that program and
on how often it was asked about it: never on a score, on the other programs in the prompt, or on who asks.
"""

import hashlib
import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Self

from edits import edited

_PARENTS = (
    re.compile(r"^BEGIN DATA \w+\n(?P<fence>`{3,})python\n(?P<code>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL),
    re.compile(r"^# Current Program\n```python\n(?P<code>.*?)\n?```", re.MULTILINE | re.DOTALL),
    re.compile(r"^# Current program\n.*?```python\n(?P<code>.*?)\n?```", re.MULTILINE | re.DOTALL),
)
"""Where a framework's prompt shows the program to be improved: Speciate's, OpenEvolve's, ShinkaEvolve's."""
_MARK = re.compile(r"^# EVOLVE-BLOCK-(?:START|END)\n", re.MULTILINE)
"""What ShinkaEvolve must be given around a program, and keeps there by itself: no part of the program."""


class Author:
    """The server. ``replies`` answers were written, ``lost`` prompts held no program that it could find."""

    def __init__(self, seed: str):
        self.seed = seed
        self.replies = 0
        self.lost = 0
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.author = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, messages: list[dict[str, Any]]) -> str:
        """Return the reply to a conversation."""
        prompt = next(m["content"] for m in messages if m["role"] == "user")
        found = next((match for match in (each.search(prompt) for each in _PARENTS) if match), None)
        with self._lock:
            self.replies += 1
            if found is None:
                self.lost += 1
                return "There is no program here."
            parent = _MARK.sub("", found["code"].rstrip() + "\n")
            digest = hashlib.blake2b(parent.encode(), digest_size=16).hexdigest()
            self._asked[digest] += 1
            rng = Random(f"{self.seed}/{digest}/{self._asked[digest]}")
            # Under the lock: two threads that parse at once fail now and then in Python 3.11 (a SystemError of ast).
            child = edited(parent, rng)
        if any("<<<<<<< SEARCH" in str(m["content"]) for m in messages if m["role"] == "system" or m is messages[-1]):
            return f"A change of one part.\n\n{block(parent, child)}"
        return f"A change of one part.\n\n```python\n{child}```\n"


def block(parent: str, child: str) -> str:
    """Return one search/replace block from the first to the last line that differs, one line above included."""
    old, new = parent.splitlines(), child.splitlines()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    start = max(0, start - 1)
    before, after = "\n".join(old[start : len(old) - end]), "\n".join(new[start : len(new) - end])
    return f"<<<<<<< SEARCH\n{before}\n=======\n{after}\n>>>>>>> REPLACE\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Keep the terminal quiet."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        text = self.server.author.answer(body["messages"])  # type: ignore[attr-defined]
        asked, said = len(json.dumps(body["messages"])) // 4, len(text) // 4 + 1
        told = {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "created": 0,
            "model": body.get("model", "author"),
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
        }
        payload = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
