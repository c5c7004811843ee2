"""The offer of a slot's models, which the worker publishes: of its one loaded model, or of a registry.

The offer of one model is sent when it is loaded (`operations.py`). A registry's offer is sent every few seconds as
long as the process lives, because its folder may change; with it goes which of its models are loaded.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tasks.errors import SlotlineError
from tasks.messages.infer.schema import MOST_SCHEMA_BYTES
from tasks.offers import Published
from workers.adapters import adapter_of
from workers.wire.messages import RegistryOffer
from workers.wire.socket_end import LinkClosed

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tasks.catalog import ModelEntry
    from workers.adapters.base import AnyAdapter, Offer
    from workers.child.models.registry import Registry
    from workers.wire.link import ChildEnd

logger = logging.getLogger(__name__)

SENT_EVERY_S = 5.0
"""The time until producers know a model that was added to a registry's folder."""


def of_model(entry: ModelEntry, device: str, offer: Offer) -> Published:
    """The offer of the one model of a slot, which is loaded."""
    adapter = adapter_of(entry, device)
    return Published(
        model=entry.name,
        adapter=entry.adapter,
        revision=offer.revision,
        sample_rate=offer.sample_rate,
        voices=dict(offer.voices),
        default_voice=offer.default_voice,
        reads_tokens=offer.reads_tokens,
        chars_per_token=dict(offer.chars_per_token),
        craft=adapter.craft,
        input_schema=_schema_of(adapter),
    )


def of_registry(entry: ModelEntry, device: str, names: Iterable[str]) -> Published:
    """The offer of a registry, whose models need not be loaded: each name is a voice."""
    try:
        adapter = adapter_of(entry, device)
        craft, schema = adapter.craft, _schema_of(adapter)
    except SlotlineError:
        craft = schema = ""  # the load will report this error
    return Published(
        model=entry.name,
        adapter=entry.adapter,
        revision=entry.revision or "",
        sample_rate=None,
        voices=dict.fromkeys(names, "und"),
        default_voice=entry.voice,
        craft=craft,
        is_registry=True,
        input_schema=schema,
    )


def _schema_of(adapter: AnyAdapter) -> str:
    """The JSON schema of its inputs; empty if it declares none, or one that cannot be published, which is logged."""
    declared = adapter.input_model
    return "" if declared is None else _schema_of_model(declared)


@functools.cache
def _schema_of_model(declared: type[BaseModel]) -> str:
    try:
        text = json.dumps(declared.model_json_schema(), ensure_ascii=False, separators=(",", ":"))
        if (size := len(text.encode())) > MOST_SCHEMA_BYTES:
            raise ValueError(f"it has {size:,} bytes; at most {MOST_SCHEMA_BYTES:,}")
    except Exception as exc:  # the author's own types
        words = " ".join(str(exc).split())
        logger.warning("inputs are checked in the slot alone: %s has no JSON schema: %s", declared.__name__, words)
        return ""
    return text


def keep_sending(link: ChildEnd, models: Registry, device: str) -> None:
    """Send the parent a registry's offer and what is loaded, now, and then again and again from a thread.

    Raises `LinkClosed`.
    """

    def send() -> None:
        link.send(RegistryOffer(of_registry(models.entry, device, models.names())))
        link.send(models.holds())
        models.look_at_memory()

    def send_repeatedly() -> None:
        with contextlib.suppress(LinkClosed):
            while True:
                time.sleep(SENT_EVERY_S)
                send()

    send()
    threading.Thread(target=send_repeatedly, name="offers", daemon=True).start()
