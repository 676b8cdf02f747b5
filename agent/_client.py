"""One HTTP attempt at a completion, at the endpoint of one model.

The openai client sends; retries, waiting, rows and parsing are not its business and not this module's. An
attempt never raises for what a server does: every outcome is an ``Answer``, so that it can be stored.
The key lives here and nowhere else, and is struck out of every text that a server sends back.
"""

import asyncio
import email.utils
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from speciate.evaluators import SpeciateError

from . import _chat, _responses
from ._answers import Answer
from ._pricing import NOTHING, UNKNOWN
from ._replies import ToolCall
from ._settings import ModelSettings

if TYPE_CHECKING:
    from httpx2 import Request
    from openai import AsyncOpenAI

CONNECT_TIMEOUT_S = 5.0
ERROR_CHARACTERS = 500
GATEWAY_STATUSES = frozenset({408, 502, 504, 524})
"""Statuses after which the model may still have worked, and been billed, behind a gateway."""


class ModelError(SpeciateError):
    """A model cannot be used as configured: wrong key, URL or name, or nobody there. It ends the run."""


class ModelClient:
    """The endpoint of one model. Make it inside the event loop that uses it; close it after."""

    def __init__(self, model: ModelSettings, environ: Mapping[str, str] = os.environ):
        """Read the key and find the endpoint.

        Raises:
            ModelError: the URL is unusable, or the default endpoint is meant and there is no key.
        """
        self.model = model
        self.base_url = base_url_of(model, environ)
        self._key = _key_of(model, self.base_url, environ)
        self._client: AsyncOpenAI | None = None
        self.limit_field = "max_completion_tokens" if _is_openai(self.base_url) else "max_tokens"
        """Servers differ: OpenAI refuses ``max_tokens`` for its newer models, and some local servers ignore
        ``max_completion_tokens`` in silence, which no token budget would survive."""
        self.takes_tools = model.api == "chat"
        """Until the server refuses them."""

    def body(
        self, messages: Sequence[Mapping[str, Any]], operator: str, tools: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, Any]:
        """Return the body of a request made for ``operator``: everything that is sent, except the key.

        ``tools`` are left out where the server takes none: whoever offers them tells of them in words too.
        """
        sampling = self.model.sampling(operator)
        if self.model.api == "responses":
            return _responses.body_of(self.model, messages, sampling)
        return _chat.body_of(self.model, messages, sampling, self.limit_field, tools if self.takes_tools else ())

    def open(self) -> None:
        """Import and build the openai client, which takes most of a second the first time."""
        if self._client is not None:
            return
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

        timeout = Timeout(self.model.timeout_s, connect=min(CONNECT_TIMEOUT_S, self.model.timeout_s))
        # Redirects are off: one attempt is one request, and a key goes nowhere but where it was meant to.
        self._client = AsyncOpenAI(
            api_key=self._key,
            base_url=self.base_url,
            timeout=timeout,
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(
                follow_redirects=False, timeout=timeout, event_hooks={"request": [_watch]}
            ),
        )

    async def attempt(self, body: Mapping[str, Any], announce: Callable[[], None]) -> Answer:
        """Send ``body`` once; return what came of it within ``ModelSettings.timeout_s`` wall seconds.

        Args:
            body: from ``body``.
            announce: called exactly once before this returns: on the connection that is to be used, right
                before the body goes out, or when there was no connection to be had. It may raise.
        """
        self.open()
        announcement = _Announcement(announce)
        current = _ANNOUNCEMENT.set(announcement)
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.model.timeout_s):
                answer = await self._send(body)
        except TimeoutError:
            answer = Answer("timeout", error=f"no answer within {self.model.timeout_s:g} s")
        finally:
            _ANNOUNCEMENT.reset(current)
        if not announcement.made:
            announcement()
            if answer.kind in ("timeout", "connection"):
                answer = Answer("connect", error=answer.error, usage=NOTHING)
        if answer.http_status == 400 and "max_tokens" in body and "max_completion_tokens" in answer.error:
            self.limit_field = "max_completion_tokens"
            answer = replace(answer, kind="limit_field")
        elif answer.kind == "status" and "tools" in body and _refuses_tools(answer):
            self.takes_tools = False
            answer = replace(answer, kind="no_tools")
        return replace(
            answer,
            text=self._clean(answer.text) if answer.text is not None else None,
            calls=tuple(ToolCall(*map(self._clean, call)) for call in answer.calls),
            error=self._clean(answer.error)[:ERROR_CHARACTERS],
            latency_s=time.monotonic() - started,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _send(self, body: Mapping[str, Any]) -> Answer:
        import openai

        assert self._client is not None
        responses = self.model.api == "responses"
        resource = self._client.responses if responses else self._client.chat.completions
        answer_of = _responses.answer_of if responses else _chat.answer_of
        try:
            raw = await resource.with_raw_response.create(**body)
        except openai.APIStatusError as error:
            return _refusal(error.status_code, error.response.text, error.response.headers)
        except openai.APITimeoutError as error:
            return Answer("timeout", error=f"no answer in time ({type(error.__cause__).__name__})")
        except openai.APIConnectionError as error:
            return Answer("connection", error=f"{type(error.__cause__).__name__}: {error.__cause__}")
        return answer_of(raw.status_code, raw.text)

    def _clean(self, text: str) -> str:
        """Return ``text`` without the key, and without what a database cannot hold."""
        if self._key != "none":
            text = text.replace(self._key, "[key]")
        return text.replace("\0", "\ufffd").encode(errors="replace").decode()


class _Announcement:
    """Calls back once."""

    def __init__(self, announce: Callable[[], None]):
        self._announce = announce
        self.made = False

    def __call__(self) -> None:
        if not self.made:
            self.made = True
            self._announce()


_ANNOUNCEMENT: ContextVar[_Announcement] = ContextVar("announcement of the request that is being sent")


async def _watch(request: "Request") -> None:
    """Have the transport announce a request when its body is about to be written, and not before.

    Building and connecting take milliseconds; a process killed in them must not leave a request in doubt.
    """
    announcement = _ANNOUNCEMENT.get()

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if event.endswith("send_request_body.started"):
            announcement()

    request.extensions = {**request.extensions, "trace": trace}


def _refuses_tools(answer: Answer) -> bool:
    """Whether a refusal is one of tools: servers that take none say so with various statuses, 500 among them."""
    return answer.http_status not in (401, 402, 403, 407, 408, 429) and "tool" in answer.error.lower()


def _refusal(status: int, text: str, headers: Mapping[str, str]) -> Answer:
    return Answer(
        "status",
        status,
        error=" ".join(text.split()) or "(empty body)",
        usage=UNKNOWN if status in GATEWAY_STATUSES else NOTHING,
        retry_after_s=_retry_after(headers),
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a server asks to wait: milliseconds, seconds or a date."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        then = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, then.timestamp() - time.time())


def base_url_of(model: ModelSettings, environ: Mapping[str, str] = os.environ) -> str:
    """Return the endpoint of ``model``, without a trailing slash.

    Raises:
        ModelError: it is not an http(s) URL, or it carries a user name or password, which would be stored.
    """
    url = model.base_url or environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ModelError(
            f"the base URL of {model.name!r} holds a user name or password, which would be stored: "
            f"put the key into {model.api_key_env} instead"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError(f"expected a base URL like http://127.0.0.1:8000/v1 for {model.name!r}, got {url!r}")
    return url.rstrip("/")


def _is_openai(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "api.openai.com" or host.endswith(".openai.azure.com")


def _key_of(model: ModelSettings, url: str, environ: Mapping[str, str]) -> str:
    key = environ.get(model.api_key_env, "").strip()
    if not key and _is_openai(url):
        raise ModelError(
            f"no key for {model.name!r} at {url}: set {model.api_key_env}, "
            "or give --base-url for a server that needs none"
        )
    # The openai client refuses an empty key; servers of one's own do not look at it.
    return key or "none"
