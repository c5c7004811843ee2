"""How a request names its voice: one voice, or a blend of several with weights, such as «af_heart(2)+af_bella(1)».

Pure. «a+b» and «a,b» have equal weights; only the ratio of weights counts. Voices of one blend speak one language,
in any of its accents; the first voice decides the accent. Whether a voice exists is the caller's to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from tasks.errors import InvalidInput

TERM = re.compile(r"\s*([^()+,\s]+)\s*(?:\(\s*(\d+(?:\.\d+)?)\s*\))?\s*")
"""A voice and its weight. The digits have no limit: the one way to write a blend may need more than a request had."""


@dataclass(frozen=True)
class Blend:
    """Voices and their shares, which are more than 0 and together 1; the first voice decides the language."""

    shares: Mapping[str, Fraction]

    @property
    def first(self) -> str:
        """The voice that decides the language."""
        return next(iter(self.shares))

    @property
    def letter(self) -> str:
        """Its language, as Kokoro names it."""
        return self.first[0]

    def __str__(self) -> str:
        """The one way to write this blend: a voice's name, «a+b», or «a(2)+b(1)» with the smallest whole numbers."""
        if len(set(self.shares.values())) == 1:
            return "+".join(self.shares)
        whole = math.lcm(*(share.denominator for share in self.shares.values()))
        return "+".join(f"{name}({int(share * whole)})" for name, share in self.shares.items())


def parse(wanted: str, named: Callable[[str], str]) -> Blend:
    """The blend that a request names. `named` gives a voice's own name, or raises for one that does not exist.

    Raises `InvalidInput` for a form that is no blend, for weights of 0, and for voices of several languages.
    """
    weights: dict[str, Fraction] = {}
    for part in re.split(r"[+,]", wanted):
        term = TERM.fullmatch(part)
        if term is None:
            raise InvalidInput(
                f"voice: {wanted!r} cannot be read at {part.strip()!r}; write a voice, or a blend such as «a(2)+b(1)»"
            )
        name, weight = named(term[1]), Fraction(term[2] or 1)
        if not weight:
            raise InvalidInput(f"voice: in {wanted!r} the weight of {name} is 0; leave it out, or give it more")
        weights[name] = weights.get(name, Fraction(0)) + weight
    return _blend(weights)


def _blend(weights: Mapping[str, Fraction]) -> Blend:
    """With shares for weights, and in the one order that all ways of writing it have in common."""
    first = next(iter(weights))[0]
    if strange := next((name for name in weights if _language(name) != _language(first)), None):
        raise InvalidInput(
            f"voice: {next(iter(weights))} and {strange} speak two languages (their first letters);"
            " the voices of a blend speak one"
        )
    total = sum(weights.values())
    ordered = sorted(weights, key=lambda name: (name[0] != first, name))
    return Blend({name: weights[name] / total for name in ordered})


def _language(name: str) -> str:
    """The first letter of its name; American (a) and British (b) voices speak one language in two accents."""
    return "a" if name[0] == "b" else name[0]
