"""The tasks of the example, with folders in the place of a broker: `celery -A` takes this module.

The folder is `CELERY_FOLDER`'s.
"""

import os
from pathlib import Path

from examples.celery_tasks import app

__all__ = ["FOLDER", "app"]

FOLDER = "CELERY_FOLDER"


def use_folder(folder: Path) -> None:
    """Have messages and results kept there; whoever shares it talks to one another."""
    for name in ("messages", "control", "results"):
        (folder / name).mkdir(exist_ok=True)
    messages = str(folder / "messages")
    app.conf.update(
        broker_url="filesystem://localhost",
        broker_transport_options={
            "data_folder_in": messages,
            "data_folder_out": messages,
            "control_folder": str(folder / "control"),
            "polling_interval": 0.05,
        },
        result_backend=(folder / "results").as_uri(),
    )


if FOLDER in os.environ:
    use_folder(Path(os.environ[FOLDER]))
