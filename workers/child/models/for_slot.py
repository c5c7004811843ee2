"""Makes a slot's models from its table: one model, or a registry; and defines how each is loaded in this slot.

The parent limits the time of a load. So the child reports to it each load of a registry's model, and each wait for a
turn on a GPU, which does not count as loading. The sidecar is told what each loaded model offers, and when it is
unloaded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import ModelLoadError
from tasks.settings import settings
from workers.adapters.weights import mark_of
from workers.child.models import loading
from workers.child.models.folder import field_of
from workers.child.models.one import OneModel
from workers.child.models.registry import Registry
from workers.wire.messages import VariantLoadBegan, VariantLoadEnded, WaitsForTurn
from workers.wire.socket_end import LinkClosed
from workers.wire.work_line import ModelGone, ModelOffers

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.child.models.base import LoadedModel
    from workers.child.models.lifecycle import Lifecycle
    from workers.wire.link import ChildEnd
    from workers.wire.spec import SlotSpec
    from workers.wire.state import State

Tell = Callable[[ModelOffers | ModelGone], None]
Offer = Callable[[ModelOffers], None]


def models_for(
    spec: SlotSpec, life: Lifecycle, link: ChildEnd, refused: frozenset[str], tell: Tell, offer: Offer
) -> OneModel | Registry:
    """The slot's models, none loaded yet. `refused` names a registry's models whose loads ended this slot's process.

    `tell` sends the sidecar what a model offers that was just loaded, or that it was unloaded; `offer` also waits until
    the sidecar is ready for the model's inputs, which may take as long as the load (rules for phonemes).
    """
    if spec.entry.is_registry:
        return _registry(spec, life, link, refused, tell)
    return _one_model(spec, life, link, tell, offer)


def _one_model(spec: SlotSpec, life: Lifecycle, link: ChildEnd, tell: Tell, offer: Offer) -> OneModel:
    gpu, warm_up = spec.gpu, settings().warm_up

    def load() -> LoadedModel:
        return loading.load(spec.entry, spec.device, warm_up, life.enter)

    def load_in_turn() -> LoadedModel:
        """On a GPU the load waits until no other worker loads there."""
        model = load() if gpu is None else gpu.load(load, lambda holder: link.send(WaitsForTurn(holder)))
        # A slot whose sidecar is not ready is not ready: its first job would wait for it.
        offer(ModelOffers(model.offer, entry=model.entry))
        return model

    return OneModel(spec.entry, spec.device, life, load_in_turn, lambda: _gone(tell))


def _registry(spec: SlotSpec, life: Lifecycle, link: ChildEnd, refused: frozenset[str], tell: Tell) -> Registry:
    warm_up = settings().warm_up

    def load(entry: ModelEntry, name: str, enter: Callable[[State], None]) -> LoadedModel:
        if name in refused:
            raise ModelLoadError(f"{name}: loading it ended this slot's process {spec.load_attempts} times")
        link.send(VariantLoadBegan(name))
        model = None
        try:
            model = loading.load(entry, spec.device, warm_up, enter)
            model = replace(model, mark=mark_of(Path(str(entry.path))))
            tell(ModelOffers(model.offer, name, entry=model.entry, mark=model.mark))
            return model
        finally:
            link.send(VariantLoadEnded(name, is_loaded=model is not None))

    used_bytes = spec.gpu.used_bytes if spec.gpu is not None else lambda: None
    field = field_of(spec.entry, spec.device)
    registry = Registry(spec.entry, spec.device, life, load, field=field, used_bytes=used_bytes)
    registry.changed = link.send
    registry.gone = lambda name: _gone(tell, name)
    return registry


def _gone(tell: Tell, variant: str | None = None) -> None:
    with contextlib.suppress(LinkClosed):  # a sidecar that has died needs no word, and ends this process soon
        tell(ModelGone(variant))
