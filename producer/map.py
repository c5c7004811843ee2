"""The methods of `Client` for many inputs of any model, as one job. They return a `MapJob`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from producer.map_job import MapJob
from producer.submitter import Submitter
from tasks.catalog import catalog
from tasks.messages import MapRequest
from tasks.messages.inputs import checked_inputs, fields_of
from tasks.messages.lookup import craft_named, craft_of

OPTIONS = ("title", "craft", "parallel_inputs", "timeout_s")
"""The options of `Client.map` that are fields of the job itself; all others are fields of each input."""


class MapClient(Submitter):
    """Submits many inputs at once."""

    def map(self, model: str, payloads: Iterable[str | Mapping[str, Any]], **options: Any) -> MapJob:
        """Submit many inputs as one job: texts, or the fields of the task that computes one, in order.

        `options` are the other fields of `MapRequest` (`title`, `craft`, `parallel_inputs`, `timeout_s`). All other
        options are defaults for the fields of each input, such as `voice` or `max_length`. Raises `InvalidInput` with
        the number of the first wrong input before anything is sent.
        """
        own = {name: options.pop(name) for name in OPTIONS if name in options}
        inputs = fields_of("payloads", payloads, options)
        request = self._checked(MapRequest.parse({"model": model, "inputs": inputs, **own}), inputs)
        job = self.submit(request)
        return MapJob(self.connection, self.store, job.id)

    def _checked(self, request: MapRequest, inputs: list[dict[str, Any]]) -> MapRequest:
        """The request with the name of its craft; all inputs are checked."""
        offer = self.connection.offer(request.model)
        entry = catalog().get(request.model) if offer else catalog()[request.model]
        craft = craft_named(request.craft) if request.craft else craft_of(request.model, entry, offer)
        checked_inputs(request.model, craft, inputs, entry, offer)
        return request.model_copy(update={"craft": craft.name})
