"""What is said of outputs: of one input, of the same one again, and in a batch."""

from __future__ import annotations

import pytest

from tests.unit.workers.conformance.checked import check_faults

EACH = ("example 1", "example 2", "example 3")
FAULTS: dict[str, dict[str, str | None]] = {
    "Unsendable": dict.fromkeys(EACH, "cannot be sent to the model's process"),
    "Nothing": dict.fromkeys(EACH, "it returned None; return a list with one outcome"),
    "ChangesRequest": dict.fromkeys(EACH, "prepare: TypeError: it changed its input"),
    "TooFew": {
        "batch = singles": "it returned 1 outcome for 2 inputs; return one for each",
        "bad input in a batch": "it returned 1 outcome for 3 inputs",
        "cancel": "it returned 1 outcome for 3 inputs",
    },
    "OtherInBatch": {"batch = singles": "another output in a batch: text: 'HE", "bad input in a batch": "beside «"},
    "WritesToInput": {"input stays as it is": "run changed its input", "cancel": None, "bad input in a batch": None},
    "NeverSame": {
        "same input twice": "gave two outputs: text: '",
        "batch = singles": "gave another output in a batch",
        "bad input in a batch": "gave another output",
        "cancel": "gave another output",
        "reload": "gave another output",
    },
}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("adapter", FAULTS)
def test_each_fault_of_computing_has_its_line(adapter: str) -> None:
    check_faults(adapter, FAULTS[adapter])
