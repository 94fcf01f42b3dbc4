"""One Prometheus for all tests of what is deployed: it takes a while to have seen everything."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from client import PrometheusMetrics
from server.testing import FailureServer
from tests.deploy.prometheus import Prometheus, program, running_prometheus
from tests.deploy.trouble import Trouble
from tests.served_apps import served_apps


@pytest.fixture(scope="package")
def prometheus_of_trouble(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Prometheus, Trouble]]:
    """A Prometheus that scrapes a client in trouble."""
    program("prometheus")
    metrics = PrometheusMetrics(CollectorRegistry())
    folder = tmp_path_factory.mktemp("prometheus")
    with served_apps() as serve, FailureServer() as server:
        trouble = Trouble(server, metrics)
        scraped = serve(metrics.asgi_app()).removeprefix("http://")
        with running_prometheus(folder, scraped) as prometheus:
            yield prometheus, trouble
            trouble.close()
