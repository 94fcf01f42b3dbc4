"""Reads the Dockerfile: its stages, and what each of them does."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Stage", "stages"]


@dataclass
class Stage:
    """What stands between two FROM.

    Args:
        base: The image or the stage that it begins with.
    """

    base: str
    variables: dict[str, str] = field(default_factory=dict[str, str])
    steps: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def said(self, instruction: str) -> list[str]:
        """What stands after an instruction, for each time that it is there."""
        return [text for name, text in self.steps if name == instruction]

    @property
    def command(self) -> list[str]:
        """What runs in it, after the entry point."""
        [text] = self.said("CMD")
        words: list[str] = json.loads(text)
        return words

    @property
    def copies(self) -> list[tuple[str, list[str], str]]:
        """What is copied: from which stage, or "", what, and where to."""
        found: list[tuple[str, list[str], str]] = []
        for text in self.said("COPY"):
            words = text.split()
            options = [word for word in words if word.startswith("--")]
            *sources, target = [word for word in words if not word.startswith("--")]
            found.append(("".join(options).removeprefix("--from="), sources, target))
        return found


def stages(path: Path) -> dict[str, Stage]:
    """The stages by their names, in order."""
    text = re.sub(r"^#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    found: dict[str, Stage] = {}
    current = Stage("")
    for line in filter(None, map(str.strip, lines)):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = current = Stage(base)
        elif instruction == "ENV":
            for each in shlex.split(rest):
                variable, _, value = each.partition("=")
                current.variables[variable] = value
        else:
            current.steps.append((instruction, rest))
    return found
