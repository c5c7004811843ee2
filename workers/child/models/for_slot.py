"""Makes a slot's models from its table: one model, or a registry; and defines how each is loaded in this slot.

The parent limits the time of a load. So the child reports to it each load of a registry's model, and each wait for a
turn on a GPU, which does not count as loading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tasks.errors import ModelLoadError
from tasks.settings import settings
from workers.child.models import loading
from workers.child.models.one import OneModel
from workers.child.models.registry import Registry
from workers.wire.messages import VariantLoadBegan, VariantLoadEnded, WaitsForTurn

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.child.models.base import LoadedModel
    from workers.child.models.lifecycle import Lifecycle
    from workers.wire.link import ChildEnd
    from workers.wire.spec import SlotSpec
    from workers.wire.state import State


def models_for(spec: SlotSpec, life: Lifecycle, link: ChildEnd, refused: frozenset[str]) -> OneModel | Registry:
    """The slot's models, none loaded yet. `refused` names a registry's models whose loads ended this slot's process."""
    return _registry(spec, life, link, refused) if spec.entry.is_registry else _one_model(spec, life, link)


def _one_model(spec: SlotSpec, life: Lifecycle, link: ChildEnd) -> OneModel:
    gpu, warm_up = spec.gpu, settings().warm_up

    def load() -> LoadedModel:
        return loading.load(spec.entry, spec.device, warm_up, life.enter)

    def load_in_turn() -> LoadedModel:
        """On a GPU the load waits until no other worker loads there."""
        return load() if gpu is None else gpu.load(load, lambda holder: link.send(WaitsForTurn(holder)))

    return OneModel(spec.entry, spec.device, life, load_in_turn)


def _registry(spec: SlotSpec, life: Lifecycle, link: ChildEnd, refused: frozenset[str]) -> Registry:
    warm_up = settings().warm_up

    def load(entry: ModelEntry, name: str, enter: Callable[[State], None]) -> LoadedModel:
        if name in refused:
            raise ModelLoadError(f"{name}: loading it ended this slot's process {spec.load_attempts} times")
        link.send(VariantLoadBegan(name))
        model = None
        try:
            model = loading.load(entry, spec.device, warm_up, enter)
            return model
        finally:
            link.send(VariantLoadEnded(name, is_loaded=model is not None))

    registry = Registry(spec.entry, spec.device, life, load)
    registry.changed = link.send
    return registry
