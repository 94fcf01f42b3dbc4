"""Celery tasks that call another service: one client for each process of a worker."""

import os
from functools import cache

from celery import Celery, Task
from celery.signals import worker_process_init, worker_process_shutdown
from celery.utils.time import get_exponential_backoff_interval

from client import (
    APIConnectionError,
    ClientConfig,
    PoolTimeoutError,
    RateLimitRejectedError,
    SyncResilientClient,
)

TEMPORARY = (APIConnectionError, PoolTimeoutError, RateLimitRejectedError)
"""What may be over in a minute. After anything else the task fails at once."""
LONGEST_WAIT = 600  # seconds

app = Celery("orders")
app.conf.update(
    broker_url=os.environ.get("CELERY_BROKER_URL", "amqp://"),
    result_backend=os.environ.get("CELERY_RESULT_BACKEND", "rpc://"),
    task_acks_late=True,  # the task of a worker that dies goes to another one
    task_reject_on_worker_lost=True,
    task_soft_time_limit=20,  # seconds: more than the one call of a task may take
    task_time_limit=30,
)


@cache
def upstream() -> SyncResilientClient:
    """Return the one client of this process."""
    return SyncResilientClient(
        ClientConfig.from_env(timeout={"total": 15}, retry={"max_attempts": 2})
    )


@worker_process_init.connect
def make_client(**_signal: object) -> None:
    """Make it before the first task, in each process of the pool."""
    upstream()


@worker_process_shutdown.connect
def close_client(**_signal: object) -> None:
    """Close its connections with the process."""
    upstream().close()


@app.task(bind=True, max_retries=4)
def place_order(self: "Task[[int], str]", order_id: int) -> str:
    """Write something; the upstream knows a repeated call by its request id."""
    try:
        response = upstream().post("/msg", json={"order": order_id}, request_id=f"order-{order_id}")
    except TEMPORARY as error:
        wait = error.retry_after or get_exponential_backoff_interval(
            factor=2, retries=self.request.retries, maximum=LONGEST_WAIT, full_jitter=True
        )
        raise self.retry(exc=error, countdown=min(wait, LONGEST_WAIT)) from error
    message_id: str = response.json()["message_id"]
    return message_id
