"""Summaries of summaries: which parts a summary's job has, and which it needs next. Pure.

Each part is a text of one level. The texts of the first level are the chunks of the whole
text; the texts of a further level are the chunks of all summaries of the level before it. A
text that the model could not read whole is replaced by its halves, which are parts of the
same level. A payload has all of this information (`Node`). So the same payloads and outcomes
always give the same next step, on any worker and any number of times.

A payload is the digit of its level, then the text. A half of another part also has a line
with `\\x1f` and that part's number. A normalised text never has the character `\\x1f`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tasks.text.chunks import chunks, halves

MOST_LEVELS = 9
MOST_HALVINGS = 6
"""A chunk is halved at most so often, to a sixty-fourth of its length; then it stays cut."""

_OF = "\n\x1f"


@dataclass(frozen=True)
class Node:
    """A text to be summarised, its level (from 1), and the number (from 1) of the part that it is a half of, or 0."""

    level: int
    text: str
    of: int = 0

    @property
    def payload(self) -> str:
        """The part as the ledger keeps it."""
        return f"{self.level}{self.text}" + (f"{_OF}{self.of}" if self.of else "")


def node_of(payload: str) -> Node:
    """The text in a payload."""
    text, _, of = payload[1:].partition(_OF)
    return Node(int(payload[0]), text, int(of or 0))


def first(text: str, limit: int) -> list[str]:
    """The payloads of the first level: the text's chunks, of at most `limit` characters."""
    return [Node(1, chunk).payload for chunk in chunks(text, limit)]


def last_level(nodes: Sequence[Node]) -> int:
    """The highest level that has parts."""
    return max(node.level for node in nodes)


def leaves(nodes: Sequence[Node], level: int) -> list[int]:
    """The parts (from 1) whose summaries form the level, in the text's order; halves replace their whole."""
    below: dict[int, list[int]] = {}
    for part, node in enumerate(nodes, 1):
        if node.level == level:
            below.setdefault(node.of, []).append(part)

    def ends(part: int) -> list[int]:
        return [leaf for half in below[part] for leaf in ends(half)] if part in below else [part]

    return [leaf for part in below.get(0, []) for leaf in ends(part)]


def halved(nodes: Sequence[Node], level: int, cut: Collection[int]) -> list[str]:
    """Payloads of the halves of those leaves that are in `cut` (parts that the model did not read whole)."""
    return [
        Node(level, half, part).payload
        for part in leaves(nodes, level)
        if part in cut and _halvings(nodes, part) < MOST_HALVINGS and len(found := halves(nodes[part - 1].text)) > 1
        for half in found
    ]


def read_whole(nodes: Sequence[Node], cut: Collection[int], limit: int) -> int:
    """The size for further chunks: `limit`, or, after chunks were cut, at most the longest that was read whole."""
    if not cut:
        return limit
    whole = [len(node.text) for part, node in enumerate(nodes, 1) if part not in cut]
    return min(limit, max(whole, default=limit))


def following(summaries: Sequence[str], level: int, limit: int) -> list[str]:
    """Payloads of the next level; none after the last one: one summary is left, or their number does not fall."""
    if len(summaries) < 2 or level >= MOST_LEVELS:
        return []
    texts = chunks(joined(summaries), limit)
    return [Node(level + 1, text).payload for text in texts] if len(texts) < len(summaries) else []


def joined(summaries: Sequence[str]) -> str:
    """Summaries as one text, one per paragraph."""
    return "\n\n".join(" ".join(summary.split()) for summary in summaries if summary.strip())


def _halvings(nodes: Sequence[Node], part: int) -> int:
    of = nodes[part - 1].of
    return 1 + _halvings(nodes, of) if of else 0
