"""Summaries by BART, or any sequence-to-sequence model of transformers: text in, text out, on a GPU or a CPU.

`path` is the model's folder (config, weights, tokenizer); nothing is downloaded. Texts of a
batch run together if they have similar lengths and the same parameters. Padding is masked, so
a summary does not depend on the other texts. Beam search without sampling: the same text gives
the same summary. A text that is too long for the model (1,024 tokens for bart-large) is cut,
and the result says so; the caller must split long texts.

When memory runs out, the whole batch fails with `OutOfMemory`, so that it can be halved.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, MissingExtra, ModelError, ModelLoadError, SlotlineError
from tasks.messages import SummaryPartRequest
from tasks.store.names import JSON
from workers.adapters import hardware, packages, weights
from workers.adapters.bart import files
from workers.adapters.bart.tokens import Tokens
from workers.adapters.base import Adapter, Cancelled, Offer, Options
from workers.adapters.grouping import groups
from workers.adapters.outputs import Written

INSTALL = "pip install 'slotline[summary]'"
PACKAGES = ("torch", "transformers")

SEARCH = ("num_beams", "length_penalty", "no_repeat_ngram_size", "early_stopping")
"""The options of the search, as transformers and the catalog name them."""

WARM_UP = "The sea was calm, and the boat lay still upon it. "

SHORTEST_SHARE = 0.5
"""If a text is shorter than the smallest summary, its limit is this share of its own length. Otherwise the model would
invent text."""


class BartOptions(Options):
    """Options in `[models.NAME]`; an option that is not set has the value of the model's folder."""

    max_length: int | None = Field(None, ge=2, le=4096)
    """Largest number of tokens of a summary."""
    min_length: int | None = Field(None, ge=0, le=4096)
    num_beams: int | None = Field(None, ge=1, le=64)
    length_penalty: float | None = Field(None, ge=-10, le=10)
    """Above 0 the beams prefer longer summaries, below 0 shorter ones."""
    no_repeat_ngram_size: int | None = Field(None, ge=0, le=20)
    early_stopping: bool | None = None
    threads: int = Field(0, ge=0, le=256)
    """CPU threads of this slot; 0 divides the cores among the host's slots."""


@dataclass(frozen=True)
class Read:
    """One input of the batch, as tokens; `limits` are the smallest and largest number of tokens of its summary."""

    index: int
    item: SummaryPartRequest
    tokens: Sequence[int]
    limits: tuple[int, int]
    is_cut: bool


class Bart(Adapter[SummaryPartRequest, Written]):
    """One sequence-to-sequence model."""

    craft = "summary"
    version = "1"
    options_model = BartOptions
    options: BartOptions
    devices = ("cuda", "cpu")
    most_padding = 2.0

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._folder = weights.folder_of(entry.path, entry.place, "the folder of a BART model")
        self._model: Any = None
        self._tokenizer: Any = None
        self._tokens: Any = None
        self._usual: Mapping[str, Any] = {}  # what the model's folder says, see `_of_folder`

    def check_files(self) -> None:
        """Raise `ModelLoadError` without a configuration, without weights or without a tokenizer."""
        files.require(self._folder, self.entry.place)

    def check_packages(self) -> None:
        """Raise `MissingExtra` without torch or transformers."""
        packages.require(PACKAGES, self.entry.place, INSTALL)

    def load(self) -> Offer:
        """Load the model; raises `MissingExtra` or `ModelLoadError`."""
        self.unload()
        place = self.entry.place
        self.check_files()
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            import torch
            import transformers  # noqa: F401
        except ImportError as exc:
            raise MissingExtra(f"{place} transformers or torch cannot be imported ({exc}); run: {INSTALL}") from exc
        hardware.check_torch(self.device, place)
        torch.set_num_threads(hardware.threads(self.options.threads, self.device))
        try:
            with weights.unchanged(files.of(self._folder), place):
                self._open()
                revision = self._revision()
        except BaseException:
            self.unload()
            raise
        return Offer(
            revision=revision,
            sample_rate=0,
            reads_tokens=self._positions,
            chars_per_token=self._tokens.per_language(),
            details=self._usual,
        )

    def attach(self, offer: Offer) -> None:
        """Keep what the model's folder says."""
        self._usual = offer.details

    def warm_up(self) -> None:
        """Summarise a sentence; raises `ModelLoadError` if that fails."""
        outcome = self.run([SummaryPartRequest(model=self.entry.name, text=WARM_UP, max_length=8, min_length=0)])[0]
        if isinstance(outcome, Exception):
            raise ModelLoadError(f"{self.entry.place} {outcome}") from outcome

    def check(self, item: SummaryPartRequest) -> None:
        """Raise `InvalidInput` for an empty text, and for lengths that contradict each other or the model."""
        if not item.text.strip():
            raise InvalidInput("text: is empty")
        least, most = self._limits(item)
        if not 0 <= least <= most:
            raise InvalidInput(f"min_length: {least} is more than max_length, which is {most}")
        if most > self._positions:
            raise InvalidInput(f"max_length: {most} is more than the model can write, {self._positions} tokens")

    def group(self, item: SummaryPartRequest) -> Hashable:
        """Its limits, which a pass has in common; without the model not exactly, and `run` divides once more."""
        return self._own_limits(item) if self._tokens else self._limits(item)

    def length(self, item: SummaryPartRequest) -> float:
        """The number of tokens that the model reads; without the model, the number of characters."""
        return len(self._tokens.of(item.text)[0]) if self._tokens else len(item.text)

    def ingredients(self, item: SummaryPartRequest) -> Mapping[str, JSON]:
        """The parameters of the summary, with the catalog's options."""
        least, most = self._limits(item)
        return {**self._beams, "min_length": least, "max_length": most}

    def run(self, batch: Sequence[SummaryPartRequest]) -> Sequence[Written | Exception]:
        """Summarise each text; returns `InvalidInput` or `Cancelled` for one that failed.

        Raises `OutOfMemory` for the whole batch, and torch's errors.
        """
        if self._model is None:
            raise ModelError("the model is not loaded")
        outcomes: dict[int, Written | Exception] = {}
        try:
            read = [one for index, item in enumerate(batch) if (one := self._read(index, item, outcomes))]
            for group in groups(self, [one.item for one in read]):
                outcomes.update(self._written([read[number] for number in group]))
            return [outcomes[index] for index in range(len(batch))]
        except Exception as exc:  # the boundary to the model's code; the batch may run again in halves
            out_of_memory = hardware.memory_error(exc, self.device)
            if out_of_memory is None:
                raise
        hardware.release(self.device)
        raise out_of_memory

    def unload(self) -> None:
        """Free the model's memory; the packages stay imported."""
        if self._model is None and self._tokenizer is None:
            return
        self._model = self._tokenizer = self._tokens = None
        hardware.release(self.device)

    def _open(self) -> None:
        import torch
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(self._folder), local_files_only=True)
            model = AutoModelForSeq2SeqLM.from_pretrained(str(self._folder), local_files_only=True)
            dtype = torch.float16 if hardware.is_half(self.device) else torch.float32
            self._model = model.eval().to(dtype).to(self.device)
        except Exception as exc:  # the boundary to the model's code, whose packages have no common error
            if out_of_memory := hardware.memory_error(exc, self.device):
                raise out_of_memory from exc
            raise ModelLoadError(f"{self.entry.place} path: {weights.blame(files.of(self._folder), exc)}") from exc
        self._usual = self._of_folder()
        self._tokens = Tokens(self._tokenizer, self._positions)
        least, most = self._limits()
        if not least <= most <= self._positions:
            raise ModelLoadError(
                f"{self.entry.place} max_length: of {most} tokens, at least {least}, cannot be had from a model of"
                f" {self._positions} positions"
            )

    def _of_folder(self) -> dict[str, Any]:
        """What the loaded model's folder says, in plain values."""
        usual, positions = self._model.generation_config, getattr(self._model.config, "max_position_embeddings", 0)
        found = {name: getattr(usual, name) for name in (*SEARCH, "max_length", "min_length")}
        return {**found, "positions": int(positions or self._tokenizer.model_max_length)}

    @property
    def _positions(self) -> int:
        """The number of tokens that the model can read, and write."""
        return int(self._usual["positions"])

    @property
    def _beams(self) -> dict[str, JSON]:
        """The options of the search: from the catalog, else from the model's folder."""
        own = {name: getattr(self.options, name) for name in SEARCH}
        return {name: self._usual[name] if value is None else value for name, value in own.items()}

    def _limits(self, item: SummaryPartRequest | None = None) -> tuple[int, int]:
        """The smallest and largest number of tokens of a summary: from the item, else the catalog, else the model."""
        usual, own = self._usual, self.options
        most = (item.max_length if item else None) or own.max_length or usual["max_length"] or 20
        given = (item.min_length if item else None, own.min_length, usual["min_length"], 0)
        least = next(length for length in given if length is not None)
        return least, most

    def _read(self, index: int, item: SummaryPartRequest, outcomes: dict[int, Written | Exception]) -> Read | None:
        """The item as tokens; None if it is not valid, and then its outcome is set."""
        try:
            self.check(item)
        except SlotlineError as exc:
            outcomes[index] = exc.with_traceback(None)
            return None
        tokens, is_cut = self._tokens.of(item.text)
        return Read(index, item, tokens, self._own_limits(item), is_cut)

    def _own_limits(self, item: SummaryPartRequest) -> tuple[int, int]:
        """The limits; the smallest one is lower for a short text."""
        least, most = self._limits(item)
        length = len(self._tokens.of(item.text)[0])
        return (int(length * SHORTEST_SHARE) if length < least else least), most

    def _written(self, group: Sequence[Read]) -> Iterator[tuple[int, Written | Exception]]:
        """The outcomes of a group that runs in one pass, without the inputs that are cancelled."""
        import torch

        wanted = [one for one in group if not self.is_cancelled(one.index)]
        yield from ((one.index, Cancelled()) for one in group if one not in wanted)
        if not wanted:
            return
        try:
            with torch.inference_mode():
                made = self._generated(wanted)
        except Cancelled:
            yield from ((one.index, Cancelled()) for one in wanted)
            return
        texts = self._tokenizer.batch_decode(made, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        for one, text in zip(wanted, texts, strict=True):
            yield one.index, Written(text.strip(), len(one.tokens), one.is_cut)

    def _generated(self, group: Sequence[Read]) -> Any:
        """The model's output for a group, tokens `[texts, length]`; padding is masked."""
        import torch
        from transformers import StoppingCriteriaList

        shape = (len(group), max(len(one.tokens) for one in group))
        tokens = torch.full(shape, self._tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        for row, one in enumerate(group):
            tokens[row, : len(one.tokens)] = torch.tensor(one.tokens)
            mask[row, : len(one.tokens)] = 1
        least, most = group[0].limits
        return self._model.generate(
            input_ids=tokens.to(self.device),
            attention_mask=mask.to(self.device),
            min_length=least,
            max_length=most,
            do_sample=False,
            stopping_criteria=StoppingCriteriaList([self._stop(group)]),
            **self._beams,
        )

    def _stop(self, group: Sequence[Read]) -> Any:
        """Called for each new token: raises `Cancelled` when the whole group is cancelled."""
        import torch

        def stop(input_ids: Any, scores: Any, **_: Any) -> Any:
            if all(self.is_cancelled(one.index) for one in group):
                raise Cancelled
            return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

        return stop

    def _revision(self) -> str:
        return self.entry.revision or f"bart-{weights.digest(files.of(self._folder))}"
