"""The methods of `Client` for film: a sound, or a text that is spoken first, and a face become film.

Builds requests, and stores the sound; does not send them itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from producer.files.sound import Sound, sound_of
from producer.job import Job
from producer.submitter import Submitter
from tasks.errors import InvalidInput
from tasks.messages import Audio, ChapterRequest, VideoRequest, VideoResult
from tasks.store.names import checked_name

GivenSound: TypeAlias = "Path | bytes | Sound | Audio | str"


class VideoClient(Submitter):
    """Submits film. Raises `InvalidInput` before anything is sent or stored."""

    def submit_video(
        self, sound: GivenSound | None = None, *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[VideoResult]:
        """Submit a sound of any length, for one film in which a face speaks it.

        `sound` is a file in any usual format (`Path`), the bytes of one, the `Audio` of a result, or an artifact's
        name. Without it `options` have a `text` or `text_ref`, and `speech`: `model`, `voice`, … of who speaks it. The
        others are fields of `VideoRequest`: `face`, `pictures`, `title`. If `job_id` is recorded already, nothing is
        sent. Raises `UnknownModel` and `UnknownVoice` also for the speaker.
        """
        found = sound_of(sound) if isinstance(sound, Path | bytes) else sound
        request = video_request(found, model=model, **options)
        self.prepare_video(request, found)
        return self.submit(request, job_id)

    def prepare_video(self, request: VideoRequest, sound: Sound | Audio | str | None) -> None:
        """Check the request and its speaker, as `submit` does; then store the sound, if it is not there."""
        self._check(request)
        if request.speech is not None:
            self._check_speaker(request)
        self.check_store("nothing was sent")
        if isinstance(sound, Sound):
            sound.put(self.store)

    def _check_speaker(self, request: VideoRequest) -> None:
        assert request.speech is not None
        text = {"text": request.text} if request.text is not None else {"text_ref": request.text_ref}
        try:
            self._check(ChapterRequest.parse({**request.speech.fields(), **text}))
        except InvalidInput as exc:
            raise type(exc)(f"speech: {exc}") from exc


def video_request(sound: Sound | Audio | str | None, **fields: Any) -> VideoRequest:
    """The request of a film of this sound, or of the text in `fields`; raises `InvalidInput`."""
    if isinstance(sound, str):
        _check_artifact(sound)
    name = sound.name if isinstance(sound, Sound) else sound.artifact if isinstance(sound, Audio) else sound
    return VideoRequest.parse({**fields} if name is None else {"audio": name, **fields})


def _check_artifact(name: str) -> None:
    try:
        checked_name(name)
    except InvalidInput as exc:
        raise InvalidInput(f"sound: {name[:60]!r} is not the name of an artifact; give a file as pathlib.Path") from exc
