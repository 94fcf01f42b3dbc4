"""Cases: what an origin answers to each of some requests, and what has to come of them."""

from tests.wire.cache.cases import (
    ages,
    conditions,
    directives,
    expiry,
    kept_fields,
    statuses,
    updates,
    variants,
    writes,
)
from tests.wire.cache.cases.case import Case

__all__ = ["ALL"]

ALL: tuple[Case, ...] = (
    *directives.CASES,
    *ages.CASES,
    *expiry.CASES,
    *statuses.CASES,
    *variants.CASES,
    *conditions.CASES,
    *kept_fields.CASES,
    *updates.CASES,
    *writes.CASES,
)
