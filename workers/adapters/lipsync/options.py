"""The options of a table of faces in `models.toml`."""

from __future__ import annotations

from pydantic import Field

from tasks.media.encoding import PRESETS
from workers.adapters.base import Options


class LipsyncOptions(Options):
    """Options in `[models.NAME]`."""

    audio_encoder: str = ""
    """The file of the audio encoder, which all faces share, relative to the folder in which the face folders are; by
    default `audio_encoder.onnx`."""
    source: str = ""
    """The film or the folder of the frames, relative to the face folder; needed only if they lie at no usual place."""
    legacy_paste: bool = False
    """Whether a mouth is pasted as the replaced server did it: stretched over the whole rectangle, with a seam."""
    encoder: str = Field("auto", min_length=1)
    """The encoder of the film, as FFmpeg names it; `auto` takes the best one that PyAV has."""
    preset: str = Field("veryfast", pattern=f"^({'|'.join(PRESETS)})$")
    """How fast the encoder is, in the words of x264."""
    crf: int = Field(20, ge=0, le=51)
    """How good the film is: 0 is best, 51 worst."""
    tensorrt: bool = False
    """On a GPU: compute by TensorRT, in float16 unless `GPU_USE_FP16=false`. The first load of a face takes minutes."""
    threads: int = Field(0, ge=0, le=256)
    """CPU threads of this slot; 0 divides the cores among the host's slots."""
