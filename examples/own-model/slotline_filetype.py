"""What kind of file is this? Magika's network (Google, Apache-2.0), whose package has the weights, for slotline."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import model_validator

from workers.adapters import onnx_session, weights
from workers.adapters.inference import File, InferenceAdapter, Input, Offer

FILES = ("config/content_types_kb.min.json", "models/standard_v3_3/config.min.json", "models/standard_v3_3/model.onnx")
BLOCK, HALF, LEAST, PADDING = 4096, 1024, 8, 256  # it reads HALF bytes of each end without blanks, and needs LEAST


class Content(Input):
    file: Annotated[str, File(most_bytes=50_000_000)] | None = None  # its name in the store
    text: str | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> "Content":
        if (self.file is None) == (self.text is None):
            raise ValueError("give either file or text")
        return self


class FileType(InferenceAdapter):
    version, input_model, tolerance = "1", Content, 0.03  # so far may a score in a batch differ from that alone
    examples = ({"text": "#!/bin/sh\nset -e\necho hello\n"}, {"file": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>"})

    def load(self):  # in the model's process
        files = [Path(find_spec("magika").submodule_search_locations[0], name) for name in FILES]
        self.kinds, self.config = (json.loads(file.read_bytes()) for file in files[:2])
        self.session = onnx_session.open_session(files[2], self.device, place=self.entry.place)
        return Offer(self.entry.revision or weights.digest(files))

    def prepare(self, item):  # in the process beside it, while the model computes other inputs
        data = self.read(item, item.input.file) if item.input.file else item.input.text.encode()
        begin, end = data[:BLOCK].lstrip()[:HALF], data[-BLOCK:].rstrip()[-HALF:]
        if len(begin) >= LEAST:
            return np.array([*begin, *[PADDING] * (2 * HALF - len(begin) - len(end)), *end], np.int32)
        is_text = data[:BLOCK].decode(errors="ignore").encode() == data[:BLOCK]
        return {"label": ("txt" if is_text else "unknown") if data else "empty", "score": 1.0}  # not the network's

    def run(self, batch):  # in the model's process: the network's rows in one pass
        rows = [one for one in batch if isinstance(one, np.ndarray)]
        scores = iter(self.session.run(None, {"bytes": np.stack(rows)})[0] if rows else ())
        return [self.answer(next(scores)) if isinstance(one, np.ndarray) else one for one in batch]

    def answer(self, scores):
        name, score = self.config["target_labels_space"][scores.argmax()], float(scores.max())
        label = self.config["overwrite_map"].get(name, name)
        if score < self.config["thresholds"].get(name, self.config["medium_confidence_threshold"]):
            label = "txt" if self.kinds[label]["is_text"] else "unknown"
        return {"label": label, "score": score}

    def unload(self):
        self.session = None
