"""One call for each SDK, blocking and async: what it takes to put a client of ours inside.

Each returns the text of the answer. Where an SDK has retries of its own they are switched off, so
that attempts do not multiply.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MESSAGES: Final[Any] = [{"role": "user", "content": "say it"}]


def openai(url: str, http: Any) -> str:
    """openai, which takes a client of httpx or of httpx2."""
    sdk = import_module("openai")
    made = sdk.OpenAI(api_key="k", base_url=url, http_client=http, max_retries=0)
    answer = made.chat.completions.create(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


async def openai_async(url: str, http: Any) -> str:
    """The same, async."""
    sdk = import_module("openai")
    made = sdk.AsyncOpenAI(api_key="k", base_url=url, http_client=http, max_retries=0)
    answer = await made.chat.completions.create(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


def openai_streamed(url: str, http: Any) -> str:
    """openai, with the answer in pieces."""
    sdk = import_module("openai")
    made = sdk.OpenAI(api_key="k", base_url=url, http_client=http, max_retries=0)
    pieces = made.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return "".join(piece.choices[0].delta.content for piece in pieces)


async def openai_streamed_async(url: str, http: Any) -> str:
    """The same, async."""
    sdk = import_module("openai")
    made = sdk.AsyncOpenAI(api_key="k", base_url=url, http_client=http, max_retries=0)
    pieces = await made.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return "".join([piece.choices[0].delta.content async for piece in pieces])


def anthropic(url: str, http: Any) -> str:
    """Another, of httpx2."""
    sdk = import_module("anthropic")
    made = sdk.Anthropic(api_key="k", base_url=url, http_client=http, max_retries=0)
    answer = made.messages.create(model="m", max_tokens=5, messages=MESSAGES)
    return str(answer.content[0].text)


async def anthropic_async(url: str, http: Any) -> str:
    """The same, async."""
    sdk = import_module("anthropic")
    made = sdk.AsyncAnthropic(api_key="k", base_url=url, http_client=http, max_retries=0)
    answer = await made.messages.create(model="m", max_tokens=5, messages=MESSAGES)
    return str(answer.content[0].text)


def groq(url: str, http: Any) -> str:
    """One of httpx."""
    sdk = import_module("groq")
    made = sdk.Groq(api_key="k", base_url=url, http_client=http, max_retries=0)
    answer = made.chat.completions.create(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


async def groq_async(url: str, http: Any) -> str:
    """The same, async."""
    sdk = import_module("groq")
    made = sdk.AsyncGroq(api_key="k", base_url=url, http_client=http, max_retries=0)
    answer = await made.chat.completions.create(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


def mistral(url: str, http: Any) -> str:
    """mistralai, which retries nothing unless it is given a `retry_config`."""
    sdk = import_module("mistralai.client")
    made = sdk.Mistral(api_key="k", server_url=url, client=http)
    answer = made.chat.complete(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


async def mistral_async(url: str, http: Any) -> str:
    """The same, async."""
    sdk = import_module("mistralai.client")
    made = sdk.Mistral(api_key="k", server_url=url, async_client=http)
    answer = await made.chat.complete_async(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


ONCE: Final[Any] = {"max_retries": 0}


def cohere(url: str, http: Any) -> str:
    """cohere, whose retries are switched off per call."""
    sdk = import_module("cohere")
    made = sdk.ClientV2(api_key="k", base_url=url, httpx_client=http)
    answer = made.chat(model="m", messages=MESSAGES, request_options=ONCE)
    return str(answer.message.content[0].text)


async def cohere_async(url: str, http: Any) -> str:
    """The same, async."""
    sdk = import_module("cohere")
    made = sdk.AsyncClientV2(api_key="k", base_url=url, httpx_client=http)
    answer = await made.chat(model="m", messages=MESSAGES, request_options=ONCE)
    return str(answer.message.content[0].text)


def genai(url: str, http: Any) -> str:
    """google-genai, which retries nothing unless it is given `retry_options`."""
    sdk = import_module("google.genai")
    options = sdk.types.HttpOptions(base_url=url, httpx_client=http)
    made = sdk.Client(api_key="k", http_options=options)
    return str(made.models.generate_content(model="m", contents="say it").text)


async def genai_async(url: str, http: Any) -> str:
    """The same, async."""
    sdk = import_module("google.genai")
    options = sdk.types.HttpOptions(base_url=url, httpx_async_client=http)
    made = sdk.Client(api_key="k", http_options=options)
    return str((await made.aio.models.generate_content(model="m", contents="say it")).text)


class Sdk(NamedTuple):
    """An SDK in one family: the module to look for, and its two calls."""

    module: str
    family: str
    blocking: Callable[[str, Any], str]
    waiting: Callable[[str, Any], Awaitable[str]]
    is_streamed: bool = False
    """Whether it asks httpx for the answer unread, which is one attempt unless told otherwise."""


SDKS: Final = {
    "openai-httpx2": Sdk("openai", "httpx2", openai, openai_async),
    "openai-httpx": Sdk("openai", "httpx", openai, openai_async),
    "openai-streamed": Sdk(
        "openai", "httpx2", openai_streamed, openai_streamed_async, is_streamed=True
    ),
    "anthropic": Sdk("anthropic", "httpx2", anthropic, anthropic_async),
    "groq": Sdk("groq", "httpx", groq, groq_async),
    "mistralai": Sdk("mistralai", "httpx2", mistral, mistral_async),
    "cohere": Sdk("cohere", "httpx", cohere, cohere_async),
    "google-genai": Sdk("google.genai", "httpx", genai, genai_async),
}
