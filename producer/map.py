"""The methods of `Client` for many inputs of any model, as one job. They return a `MapJob`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from producer.inference.named_files import check_files
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

    def map(self, model: str, payloads: Iterable[Any], **options: Any) -> MapJob:
        """Submit many inputs as one job, in order: texts, or the fields of the task that computes one.

        Of a model that takes inputs of its own (the craft `infer`), each payload is the input itself, any JSON value.
        `options` are the other fields of `MapRequest` (`title`, `craft`, `parallel_inputs`, `timeout_s`). All other
        options are defaults for the fields of each input, such as `voice` or `max_length`. Raises `InvalidInput` with
        the number of the first wrong input before anything is sent.
        """
        job = self.submit(self.map_request(model, payloads, **options))
        return MapJob(self.connection, self.store, job.id)

    def map_request(self, model: str, payloads: Iterable[Any], **options: Any) -> MapRequest:
        """The request of `map`, checked, for `submit` or `take_up`; sends nothing."""
        own = {name: options.pop(name) for name in OPTIONS if name in options}
        offer = self.connection.offer(model)
        entry = catalog().get(model) if offer else catalog()[model]
        craft = craft_named(own["craft"]) if own.get("craft") else craft_of(model, entry, offer)
        inputs = fields_of("payloads", payloads, options, craft.request)
        request = MapRequest.parse({**own, "model": model, "inputs": inputs, "craft": craft.name})
        checked = checked_inputs(model, craft, inputs, entry, offer)
        if any(one.files(offer) for one in checked):
            self.check_store("nothing was sent")
            check_files(self.store, checked, offer, is_numbered=True)
        return request
