"""The rehearsal with nothing around it: a process that only calls `run`, against which a slot is measured.

    python -m benchmarks.bare_rehearsal COUNT

Takes the model `rehearsal` of the catalog that the environment names, runs COUNT inputs in batches of its
`batch_size`, and prints `{"seconds": …, "cpu_s": …}`: what all batches but the first took.
"""

from __future__ import annotations

import json
import sys
import time

from tasks.catalog import catalog
from tasks.messages import ParagraphRequest
from workers.adapters.rehearsal import Rehearsal


def main() -> None:
    """Run them, and print what they took."""
    entry = catalog()["rehearsal"]
    adapter = Rehearsal(entry, "cpu")
    adapter.load()
    texts = [ParagraphRequest(model="rehearsal", text=f"Line {number}.") for number in range(int(sys.argv[1]))]
    batches = [texts[start : start + entry.batch_size] for start in range(0, len(texts), entry.batch_size)]
    adapter.run(batches[0])
    began, cpu_began_s = time.monotonic(), time.process_time()
    for batch in batches[1:]:
        adapter.run(batch)
    print(json.dumps({"seconds": time.monotonic() - began, "cpu_s": time.process_time() - cpu_began_s}))


if __name__ == "__main__":
    main()
