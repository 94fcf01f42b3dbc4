"""What the distribution holds besides what stands here as it is."""

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

LONG_NAMES = {
    "client": "resilient_http_client/client",
    "server": "resilient_http_client/server",
}
RELATIVE = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")


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


class ReadmeWithLinks(MetadataHookInterface):
    """Makes the description of README.md, whose links lead to files beside it.

    An index has none of these files: there they lead to the repository, as it was at that version.
    """

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the description."""
        source, version = metadata["urls"]["Source"], metadata["version"]
        text = Path(self.root, "README.md").read_text("utf-8")
        linked = RELATIVE.sub(rf"]({source}/blob/v{version}/\1)", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": linked}
