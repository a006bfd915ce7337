"""What README.md and docs/ hold to be run: fenced blocks, and commands in the text."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<why>[^\n]+) -->\n\n?)?^(?P<ticks>`{3,})(?P<language>\w*)\n(?P<text>.*?)^(?P=ticks)$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(r"`(shapetrace [^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        document: Its file, from the root of the repository.
        language: What stands behind the ticks.
        text: Its lines.
        why_not: Why it is not run, from the comment above it.
    """

    document: str
    language: str
    text: str
    why_not: str = ""


def blocks(*languages: str) -> list[Block]:
    """All fenced blocks, or those in some languages."""
    found = [
        Block(str(path.relative_to(ROOT)), each["language"], each["text"], each["why"] or "")
        for path in DOCUMENTS
        for each in _FENCE.finditer(path.read_text(encoding="utf-8"))
    ]
    return [block for block in found if not languages or block.language in languages]


def mentioned() -> list[str]:
    """Commands within sentences, each once."""
    texts = (re.sub(_FENCE, "", path.read_text(encoding="utf-8")) for path in DOCUMENTS)
    return list(dict.fromkeys(command for text in texts for command in _COMMAND.findall(text)))
