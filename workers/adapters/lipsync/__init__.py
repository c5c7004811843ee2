"""Faces that speak: a stretch of sound and a face's pictures become film, on a GPU or a CPU, by ONNX Runtime.

`path` is a face folder as SyncTalk 2D makes it; with `{id}` in it the table is a registry, a model for each face. The
process beside the model's makes mel windows, cuts the faces out of their pictures, and pastes what the network has
made of them. The network's process computes frames of several stretches at once. Nothing is downloaded.

A stretch of a sound gives the same bits as the whole sound, before the film is encoded, on one machine's CPU.
Importing this module is cheap.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.catalog import ModelEntry
from tasks.errors import MissingExtra, ModelError, ModelLoadError, SlotlineError
from tasks.media.film.encoders import encoder_of
from tasks.media.stretches import frames_of
from tasks.messages import StretchRequest
from tasks.messages.lipsync import FPS
from tasks.settings import settings
from tasks.store.names import JSON
from workers.adapters import hardware, onnx_session, packages, weights
from workers.adapters.base import Adapter, Offer
from workers.adapters.lipsync.face import HELD, WINDOW, Face
from workers.adapters.lipsync.folder import FaceFolder
from workers.adapters.lipsync.options import LipsyncOptions
from workers.adapters.lipsync.prepared import Mouths, PreparedStretch
from workers.adapters.lipsync.windows import seconds_of
from workers.adapters.outputs import Encoding, Film

if TYPE_CHECKING:
    from workers.adapters.lipsync.computing.mouths import MouthMaker
    from workers.adapters.onnx_session import Provider

ENCODER = "audio_encoder.onnx"

RUNS_IN_WORK = 4
"""Of a slot: one is made ready, one waits, one is computed, one is put away. Their frames stay decoded."""

OF_A_FACE = ("checkpoint", "package_info.json", "frames", "full_body_img", "crop_rects.json", "landmarks")
"""Each face folder has one of these, even one that is not whole."""

PACKAGES = ("onnxruntime", "cv2", "av")


class Lipsync(Adapter[StretchRequest, Film]):
    """One face."""

    craft = "lipsync"
    version = "1"
    options_model = LipsyncOptions
    options: LipsyncOptions
    devices = ("cuda", "cpu")

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._folder = weights.folder_of(entry.path, entry.place, "a face folder, or with {id} those of many faces")
        self._maker: MouthMaker | None = None
        self._face: Face | None = None
        self._digest = ""
        self._size_bytes = 0

    @classmethod
    def inputs_at_once(cls, batch_size: int) -> int:
        """Stretches of a second: `batch_size` counts frames."""
        return max(1, batch_size // FPS)

    @classmethod
    def is_model(cls, path: Path) -> bool:
        """Whether it is a face folder: the audio encoder lies beside them, and perhaps other folders."""
        return path.is_dir() and any((path / one).exists() for one in OF_A_FACE)

    def check_files(self) -> None:
        """Raise `ModelLoadError` without a network, an audio encoder, or frames with their rectangles."""
        self._files(self._found())

    def check_packages(self) -> None:
        """Raise `MissingExtra` without ONNX Runtime, OpenCV or PyAV."""
        extra = "onnx-gpu" if hardware.is_cuda(self.device) else "onnx"
        packages.require(PACKAGES, self.entry.place, f"pip install 'slotline[lipsync,{extra}]'")

    def load(self) -> Offer:
        """Load the network and, unless another face of this slot has done so, the audio encoder.

        Raises `MissingExtra`, or `ModelLoadError` with what is wrong in the face folder.
        """
        self.unload()
        self.check_packages()
        folder = self._found()
        network, encoder = self._files(folder)
        before = hardware.memory(self.device)["rss_bytes"]
        try:
            with weights.unchanged((network, encoder), self.entry.place):
                side = self._open(network, encoder)
                revision = self._revision(network, encoder)
        except BaseException:
            self.unload()
            raise
        self._attach(folder, side)
        self._size_bytes = max(hardware.memory(self.device)["rss_bytes"] - before, network.stat().st_size)
        return Offer(revision=revision, details={"side": side})

    def attach(self, offer: Offer) -> None:
        """Look at the face folder and the film's encoder; raises `ModelLoadError`, or `MissingExtra` without one."""
        try:
            encoder_of(self.options.encoder)
        except MissingExtra as exc:
            raise MissingExtra(f"{self.entry.place} {exc}") from exc
        folder = self._found()
        self._attach(folder, offer.details["side"])
        self._pictures().open(self.entry.place)

    def detach(self) -> None:
        """Let go of the face's pictures, and of the threads that read them."""
        self._pictures().close()

    def warm_up(self) -> None:
        """Compute as many frames as are computed at once, in silence; raises `ModelLoadError` if that fails."""
        try:
            self._computing().warm_up()
        except ModelError as exc:
            raise ModelLoadError(f"{self.entry.place} path: {exc}") from exc

    def check(self, item: StretchRequest) -> None:
        """Raise `InvalidInput` for frames beyond the sound."""
        seconds_of(item.start, item.frames, item.samples)

    def group(self, item: StretchRequest) -> Hashable:
        """All stretches of a face run together."""
        return None

    def length(self, item: StretchRequest) -> float:
        """The number of frames."""
        return item.frames

    def ingredients(self, item: StretchRequest) -> Mapping[str, JSON]:
        """The face's pictures, and how they are pasted and encoded."""
        options = self.options
        encoding: JSON = None if item.pictures else [options.encoder, options.preset, options.crf]
        return {"backgrounds": self._digest, "legacy_paste": options.legacy_paste, "encoding": encoding}

    def prepare(self, item: StretchRequest) -> PreparedStretch:
        """Mel windows of the sound around the stretch, and the cut faces."""
        from workers.adapters.lipsync.hearing import hear

        heard = hear(item, self.read_artifact)
        until = item.first_background - item.start + frames_of(item.samples)
        faces = self._pictures().crops(item.first_background, item.frames, until)
        return PreparedStretch(faces, heard.mels, heard.keys, heard.second, heard.windows, item.start)

    def run(self, batch: Sequence[PreparedStretch]) -> Sequence[Mouths | Exception]:
        """Compute the mouths of each stretch, frames of several ones at once; returns `Cancelled` for one that is.

        Raises `OutOfMemory` if not even one frame fits, and ONNX Runtime's errors.
        """
        return self._computing().make(batch, self.is_cancelled)

    def finish(self, item: StretchRequest, made: Mouths) -> Film:
        """The film's frames, each pasted when it is encoded."""
        frames = self._pictures().film(item.first_background, made.faces)
        encoding = Encoding(self.options.encoder, self.options.preset, self.options.crf)
        return Film(frames, item.frames, encoding, item.pictures, item.start)

    def stats(self) -> Mapping[str, JSON]:
        """Of the pictures behind the face: `hits` and `misses` of what was read ahead, seconds, frames and bytes."""
        return dict(self._face.stats()) if self._face else {}

    def memory_bytes(self) -> int | None:
        """On a CPU what the load has added to the process's memory; on a GPU it is not known here."""
        return None if hardware.is_cuda(self.device) else self._size_bytes

    def unload(self) -> None:
        """Free the network's memory, and the audio encoder's if no other face of the slot is loaded."""
        if self._face is not None:
            self._face.close()  # without frames it does nothing, and it can be used on
        if self._maker is None:
            return
        self._maker = None
        hardware.release(self.device)

    def _found(self) -> FaceFolder:
        return FaceFolder.find(self._folder, self.entry.place, self.options.source or None)

    def _files(self, folder: FaceFolder) -> tuple[Path, Path]:
        """The files of the network and of the audio encoder."""
        get_them = "it is one of the files that the training of SyncTalk 2D writes"
        weights.require(folder.path, (str(folder.network.relative_to(folder.path)),), self.entry.place, get_them)
        encoder = folder.path.parent / (self.options.audio_encoder or ENCODER)
        if not encoder.is_file() or not encoder.stat().st_size:
            state = "is empty" if encoder.is_file() else "is missing"
            raise ModelLoadError(f"{self.entry.place} audio_encoder: {encoder} {state}; all faces share that file")
        return folder.network, encoder

    def _open(self, network_file: Path, encoder_file: Path) -> int:
        """Load both networks; returns the side of the face's pictures."""
        from workers.adapters.lipsync.computing.encoder import AudioEncoder
        from workers.adapters.lipsync.computing.mouths import MouthMaker
        from workers.adapters.lipsync.computing.network import Network
        from workers.adapters.lipsync.computing.shared import shared

        place = self.entry.place

        def encoder() -> AudioEncoder:
            return AudioEncoder(self._session(encoder_file), encoder_file, place)

        frames = min(self.entry.batch_size, settings().batch_size or self.entry.batch_size)
        common = shared(encoder_file, self.device, frames, encoder)
        network = Network(self._network(network_file, frames), network_file, place, self.device)
        self._maker = MouthMaker(network, common, self.device)
        return network.shape.side

    def _network(self, file: Path, frames: int) -> Any:
        """The session of the face's network, by TensorRT if the table wants it and it is there."""
        from workers.adapters.lipsync.computing import tensorrt
        from workers.adapters.lipsync.computing.network import shape_of

        place, device = self.entry.place, self.device
        if not (self.options.tensorrt and hardware.is_cuda(device) and tensorrt.is_built_in(place)):
            return self._session(file)
        shape = shape_of(onnx_session.open_session(file, "cpu", 1, place), file, place)
        session = self._session(file, tensorrt.provider(file, shape, device, frames, half=hardware.is_half(device)))
        tensorrt.check(session, place)
        return session

    def _session(self, file: Path, *first: Provider) -> Any:
        """ONNX Runtime's session of a file, with these providers first; raises `ModelLoadError` with the reason."""
        threads = hardware.threads(self.options.threads, self.device)
        # CUDA's provider has no float16 of its own. TF32 has as many digits, and float32's range.
        chosen = [*first, *onnx_session.providers(self.device, use_tf32=str(int(hardware.is_half(self.device))))]
        try:
            return onnx_session.open_session(file, self.device, threads, self.entry.place, chosen, shrinks=True)
        except SlotlineError:
            raise
        except Exception as exc:  # the boundary to ONNX Runtime, whose errors have no common class
            if out_of_memory := hardware.memory_error(exc, self.device):
                raise out_of_memory from exc
            raise ModelLoadError(f"{self.entry.place} path: {weights.blame((file,), exc)}") from exc

    def _revision(self, network: Path, encoder: Path) -> str:
        """What of the weights determines the film. Precision and device are left out."""
        return self.entry.revision or f"lipsync-{weights.digest((network, encoder))}"

    def _attach(self, folder: FaceFolder, side: int) -> None:
        window = self.entry.background_cache_frames or WINDOW
        held = max(HELD, RUNS_IN_WORK * self.entry.batch_size)
        self._face = Face(folder, side, window, self.options.legacy_paste, held)
        self._digest = folder.digest()

    def _pictures(self) -> Face:
        if self._face is None:
            raise ModelError("the face is not loaded")
        return self._face

    def _computing(self) -> MouthMaker:
        if self._maker is None:
            raise ModelError("the face is not loaded")
        return self._maker
