"""Files that become fields of an input; their names are known before they are stored, so the input can be checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from producer.inference.files import CALLED, Given, GivenFile, given_file
from tasks.errors import InvalidInput

if TYPE_CHECKING:
    from tasks.store.artifacts import Store

Files: TypeAlias = "Mapping[str, Given | Sequence[Given]]"
"""By the fields of an input; a list where the field is a list."""

NO_INPUT: Any = object()
"""In the place of an input that gets all its fields from files. An input that is None is JSON's null."""


@dataclass(frozen=True)
class FieldFiles:
    """The files by their fields; a file that was given open is in the store already."""

    by_field: Mapping[str, GivenFile | Sequence[GivenFile]]

    def sizes(self) -> dict[str, int]:
        """The size of each file in bytes, by its artifact's name."""
        return {one.name: one.bytes for one in self._each()}

    def put(self, store: Store) -> None:
        """Store what is not there yet."""
        for one in self._each():
            one.put(store)

    def into(self, given: Any) -> Any:
        """The input with these fields; raises `InvalidInput` for one that has no fields, or has one of them already."""
        if not self.by_field:
            if given is NO_INPUT:
                raise InvalidInput("input: is missing")
            return given
        fields = {} if given is NO_INPUT else given
        if not isinstance(fields, Mapping):
            raise InvalidInput(
                f"files: the input is no object, but {type(fields).__name__}, so it has no field for a file"
            )
        if twice := next((name for name in self.by_field if name in fields), None):
            raise InvalidInput(f"{twice}: is in the input and among the files; give it once")
        names = {field: _named(one) for field, one in self.by_field.items()}
        return {**fields, **names}

    def _each(self) -> Iterator[GivenFile]:
        for one in self.by_field.values():
            yield from [one] if isinstance(one, GivenFile) else one


def field_files(store: Store, given: Files) -> FieldFiles:
    """These files with their names; raises `InvalidInput`, which names the field, for what cannot be read."""
    found: dict[str, GivenFile | Sequence[GivenFile]] = {}
    for field, one in given.items():
        try:
            is_list = isinstance(one, list | tuple)
            found[field] = [given_file(store, each) for each in one] if is_list else given_file(store, one)  # type: ignore[arg-type, union-attr]
        except InvalidInput as exc:
            raise InvalidInput(f"{field}: {str(exc).removeprefix(CALLED)}") from exc
    return FieldFiles(found)


def _named(one: GivenFile | Sequence[GivenFile]) -> str | list[str]:
    return one.name if isinstance(one, GivenFile) else [each.name for each in one]
