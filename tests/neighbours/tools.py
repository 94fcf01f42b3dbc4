"""The tools that patch httpx, as their own documentation starts them."""

from __future__ import annotations

import contextlib
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TOOLS", "Tool"]


class Tool:
    """One of them. `start` patches, `stop` takes the patch away, if the tool can."""

    can_stop = True

    def start(self, url: str) -> None:
        """Patch; `url` is where the server is."""

    def stop(self) -> None:
        """Take the patch away."""

    def adopt(self, client: Any, face: Any) -> None:
        """Patch one client, if that is what the tool does."""

    def call(self) -> contextlib.AbstractContextManager[object]:
        """Return what stands around one call."""
        return contextlib.nullcontext()

    def seen(self, path: str) -> list[int]:
        """Return the statuses that the tool saw for a path."""
        raise NotImplementedError


class Sentry(Tool):
    """Puts a `send` that takes anything in place of that of the clients."""

    can_stop = False

    def start(self, url: str) -> None:
        """With the integrations it would switch on of itself, but for those of all else here."""
        self._sdk: Any = import_module("sentry_sdk")
        self._spans: list[Any] = []
        httpx: Any = import_module("sentry_sdk.integrations.httpx")
        httpx2: Any = import_module("sentry_sdk.integrations.httpx2")
        aiohttp: Any = import_module("sentry_sdk.integrations.aiohttp")
        self._sdk.init(
            dsn="http://key@127.0.0.1:9/1",  # where nobody listens
            auto_enabling_integrations=False,
            integrations=[
                httpx.HttpxIntegration(),
                httpx2.Httpx2Integration(),
                aiohttp.AioHttpIntegration(),
            ],
            before_send_transaction=self._keep,
            traces_sample_rate=1.0,
            trace_propagation_targets=[url],
        )

    def _keep(self, event: Any, _hint: object) -> None:
        """Keep what would be sent, and do not send it."""
        self._spans.extend(event["spans"])

    @contextlib.contextmanager
    def call(self) -> Iterator[object]:
        """Within a transaction."""
        with self._sdk.start_transaction(name="call") as transaction:
            yield transaction

    def seen(self, path: str) -> list[int]:
        """By its spans."""
        return [
            span["data"]["http.response.status_code"]
            for span in self._spans
            if urlsplit(span["description"].split()[-1]).path == path
        ]


class OpenTelemetry(Tool):
    """Wraps the transports: their classes, or those of one client."""

    def __init__(self) -> None:
        self._instrumentors: list[Any] = []

    def start(self, url: str) -> None:
        """For both families."""
        self._prepare()
        for instrumentor in self._instrumentors:
            instrumentor.instrument(tracer_provider=self._provider)

    def _prepare(self) -> None:
        package: Any = import_module("opentelemetry.instrumentation.httpx")
        sdk: Any = import_module("opentelemetry.sdk.trace")
        export: Any = import_module("opentelemetry.sdk.trace.export")
        memory: Any = import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        self._exporter = memory.InMemorySpanExporter()
        self._provider = sdk.TracerProvider()
        self._provider.add_span_processor(export.SimpleSpanProcessor(self._exporter))
        self._instrumentors = [
            package.HTTPXClientInstrumentor(),
            package.HTTPX2ClientInstrumentor(),
        ]

    def stop(self) -> None:
        """By `uninstrument`."""
        for instrumentor in self._instrumentors:
            instrumentor.uninstrument()

    def seen(self, path: str) -> list[int]:
        """By its spans."""
        spans = [span.attributes for span in self._exporter.get_finished_spans()]
        return [
            span["http.status_code"] for span in spans if urlsplit(span["http.url"]).path == path
        ]


class OpenTelemetryOneClient(OpenTelemetry):
    """The same for each client by itself."""

    def start(self, url: str) -> None:
        """Nothing yet."""
        self._prepare()

    def adopt(self, client: Any, face: Any) -> None:
        """By `instrument_client`, where there is a client of httpx's kind."""
        if face.name in {"drop_in", "transport"}:
            instrumentor = self._instrumentors[face.family == "httpx2"]
            instrumentor.instrument_client(client, tracer_provider=self._provider)

    def stop(self) -> None:
        """Nothing: the other clients were left alone."""


class Vcr(Tool):
    """Records what passes the transports; it can play it again later."""

    def __init__(self) -> None:
        self._undo = contextlib.ExitStack()

    def start(self, url: str) -> None:
        """Record."""
        vcr: Any = import_module("vcr")
        folder = self._undo.enter_context(tempfile.TemporaryDirectory())
        recorder = vcr.VCR(record_mode="once", ignore_hosts=[])
        self._cassette = self._undo.enter_context(
            recorder.use_cassette(str(Path(folder) / "cassette.yaml"))
        )

    def stop(self) -> None:
        """Write the cassette."""
        self._undo.close()

    def seen(self, path: str) -> list[int]:
        """By what it holds."""
        return [
            response["status"]["code"]
            for request, response in zip(
                self._cassette.requests, self._cassette.responses, strict=True
            )
            if urlsplit(request.uri).path == path
        ]


class Respx(Tool):
    """Answers in place of httpcore's pools."""

    using = "httpcore"

    def start(self, url: str) -> None:
        """Answer as the server does."""
        respx: Any = import_module("respx")
        self._seen: dict[str, list[int]] = {}
        self._router = respx.MockRouter(using=self.using, assert_all_called=False)
        self._router.route(url__startswith=url).mock(side_effect=self._answer)
        self._router.start()

    def _answer(self, request: Any) -> Any:
        statuses = self._seen.setdefault(request.url.path, [])
        statuses.append(200 if statuses else 503)
        assert request.headers["X-Kept"] == "yes"
        return import_module("httpx").Response(statuses[-1])

    def stop(self) -> None:
        """Let calls through again."""
        self._router.stop(clear=False, reset=False)

    def seen(self, path: str) -> list[int]:
        """By what it answered."""
        return self._seen.get(path, [])


class RespxClients(Respx):
    """Answers in place of the transport that a client chooses."""

    using = "httpx"


class Mocks(Tool):
    """Mocks of `unittest` around httpx's `send`, which do what it did."""

    def __init__(self) -> None:
        self._undo = contextlib.ExitStack()
        self._seen: list[tuple[str, int]] = []

    def start(self, url: str) -> None:
        """For all four clients, without their signatures."""
        for family in ("httpx", "httpx2"):
            module: Any = import_module(family)
            self._undo.enter_context(
                mock.patch.object(module.Client, "send", self._blocking(module.Client.send))
            )
            self._undo.enter_context(
                mock.patch.object(
                    module.AsyncClient, "send", self._waiting(module.AsyncClient.send)
                )
            )

    def _blocking(self, real: Any) -> Any:
        def send(*args: Any, **kwargs: Any) -> Any:
            return self._note(real(*args, **kwargs))

        return send

    def _waiting(self, real: Any) -> Any:
        async def send(*args: Any, **kwargs: Any) -> Any:
            return self._note(await real(*args, **kwargs))

        return send

    def _note(self, response: Any) -> Any:
        self._seen.append((response.request.url.path, response.status_code))
        return response

    def stop(self) -> None:
        """Put the real ones back."""
        self._undo.close()

    def seen(self, path: str) -> list[int]:
        """By what went through."""
        return [status for where, status in self._seen if where == path]


class PytestHttpx(Respx):
    """Answers in place of the transports; its fixture, entered without a test around it."""

    def start(self, url: str) -> None:
        """Answer as the server does."""
        pytest: Any = import_module("pytest")
        self._seen = {}
        self._patch = pytest.MonkeyPatch()
        request = mock.Mock()
        request.node.iter_markers.return_value = []
        # The function below the fixture; pytest calls it so.
        fixture = import_module("pytest_httpx").httpx_mock._get_wrapped_function()
        self._fixture = fixture(self._patch, request)
        next(self._fixture).add_callback(self._answer, is_reusable=True, is_optional=True)

    def stop(self) -> None:
        """End the fixture."""
        next(self._fixture, None)
        self._patch.undo()


TOOLS: dict[str, type[Tool]] = {
    "sentry-sdk": Sentry,
    "opentelemetry": OpenTelemetry,
    "opentelemetry, one client": OpenTelemetryOneClient,
    "vcrpy": Vcr,
    "respx": Respx,
    "respx, using httpx": RespxClients,
    "pytest-httpx": PytestHttpx,
    "unittest.mock": Mocks,
}
