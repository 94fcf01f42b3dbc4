"""What the wheel holds besides the packages as they stand here."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LONG_NAMES = {
    "client": "resilient_http_client/client",
    "server": "resilient_http_client/server",
}


class LongNames(BuildHookInterface[Any]):
    """Packs `client` and `server` a second time, as `resilient_http_client.client` and `.server`.

    A project with packages of those names has its type checker find them first, and a type checker
    runs no code: only files in that place show it ours. At run time they are read where the short
    name is another's, and make no second copy of anything where it is ours.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them, except to an editable installation, which would show what was."""
        if version != "editable":
            build_data["force_include"].update(LONG_NAMES)
