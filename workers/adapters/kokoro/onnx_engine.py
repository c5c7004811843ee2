"""Kokoro on plain ONNX Runtime, on a CPU or a GPU.

Exports of Kokoro differ, so the inputs are read from the model: their names (`tokens` or `input_ids`, `style` or
`ref_s`), numbers of dimensions and types, an integer speed too; and whether it tells durations. Imports torch nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelLoadError
from workers.adapters.kokoro.engine import Made
from workers.adapters.onnx_session import TYPES, open_session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = {"tokens": ("tokens", "input_ids"), "style": ("style", "ref_s"), "speed": ("speed",)}
"""What an input is for -> the names that exports give it."""

DURATIONS = ("duration", "durations", "pred_dur")


@dataclass(frozen=True)
class Input:
    """An input of a model: its name, its number of dimensions and its numpy type."""

    name: str
    dimensions: int
    dtype: str

    def of(self, values: Any) -> Any:
        """`values` as this input takes them: with as many dimensions, the outer ones of length 1."""
        import numpy as np

        array = np.asarray(values, dtype=self.dtype).squeeze()
        return array.reshape((1,) * (self.dimensions - array.ndim) + array.shape)


def inputs_of(session: Any) -> dict[str, Input]:
    """What an input is for -> that input of the model; raises `ValueError` for a model with others."""
    found = {}
    for given in session.get_inputs():
        role = next((role for role, names in NAMES.items() if given.name in names), None)
        if role is None or given.type not in TYPES:
            raise ValueError(f"it has an input {given.name} ({given.type}), which no Kokoro has")
        found[role] = Input(given.name, len(given.shape), TYPES[given.type])
    if missing := [role for role in NAMES if role not in found]:
        raise ValueError(f"it has no input {' and no input '.join(missing)}")
    return found


class OnnxEngine:
    """A loaded model; `path` is the file, which was checked before."""

    def __init__(self, path: Path, device: str, threads: int, place: str) -> None:
        self._session = open_session(path, device, threads, place)
        try:
            self._inputs = inputs_of(self._session)
        except ValueError as exc:
            raise ModelLoadError(f"{place} path: {path} is no Kokoro: {exc}") from exc
        outputs = [output.name for output in self._session.get_outputs()]
        self._durations = next((name for name in outputs if name in DURATIONS), None)
        self._sound = next(name for name in outputs if name != self._durations)

    @property
    def has_whole_speeds(self) -> bool:
        """Whether it takes only whole numbers for speed, as some exports do."""
        return self._inputs["speed"].dtype.startswith("int")

    def speak(self, ids: Sequence[int], style: NDArray[np.float32], speed: float) -> Made:
        """The sound of 1 to 510 ids in a style `[256]`; raises ONNX Runtime's errors."""
        import numpy as np

        tokens = self._inputs["tokens"].of([0, *ids, 0])
        given = {"tokens": tokens, "style": style, "speed": speed}
        fed = {one.name: one.of(given[role]) for role, one in self._inputs.items()}
        wanted = [self._sound, self._durations] if self._durations else [self._sound]
        samples, *durations = self._session.run(wanted, fed)
        spoken = fed[self._inputs["tokens"].name].reshape(-1).tolist()
        frames = durations[0].reshape(-1).astype(np.int64).tolist() if durations else ()
        return Made(np.asarray(samples, dtype=np.float32).reshape(-1), spoken, frames)
