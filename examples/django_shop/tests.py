"""Tests of the views, by Django's test clients and a real server that fails on demand."""

from unittest.mock import patch

from django.test import SimpleTestCase

from client import ClientConfig, ResilientClient, SyncResilientClient
from client.testing import instant_retries
from examples.django_shop import upstream
from server.testing import FailureServer


class UpstreamTests(SimpleTestCase):
    """What our callers see while the upstream stumbles."""

    def setUp(self) -> None:
        """Put a failure server in the place of the upstream."""
        self.server = self.enterContext(FailureServer())
        self.config = ClientConfig(base_url=self.server.url)
        client = self.enterContext(SyncResilientClient(self.config))
        self.enterContext(patch.object(upstream, "client", client))
        self.enterContext(instant_retries())

    def test_an_order_is_placed_once_though_the_answer_is_lost(self) -> None:
        """The retry is known by its request id."""
        self.server.fail_count(1, when="after")
        response = self.client.post("/orders/7")
        entry = self.server.ledger().requests["order-7"]
        self.assertEqual(response.status_code, 200)
        self.assertEqual((entry.arrived, entry.took_effect), (2, 1))

    def test_an_outage_is_answered_with_when_to_come_back(self) -> None:
        """And without the upstream's address."""
        self.server.fail_count(3, status=503)
        response = self.client.get("/message")
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response["Retry-After"], "1")
        self.assertEqual(response.json()["detail"], "upstream: ServiceUnavailableError")

    async def test_an_async_view_retries_too(self) -> None:
        """Its client is made here, in the event loop of the test."""
        self.server.fail_count(1)
        async with ResilientClient(self.config) as client:
            with patch.object(upstream, "async_client", client):
                response = await self.async_client.get("/async/message")
        self.assertEqual(response.status_code, 200)
