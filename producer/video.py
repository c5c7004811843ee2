"""The methods of `Client` for film: a sound, or a text that is spoken first, and a face become film.

Builds requests, and stores the sound; does not send them itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from producer.files.sound import Sound, sound_of
from producer.job import Job
from producer.submitter import Submitter
from tasks.errors import InvalidInput
from tasks.messages import Audio, ChapterRequest, VideoRequest, VideoResult
from tasks.store.names import checked_name


class VideoClient(Submitter):
    """Submits film. Raises `InvalidInput` before anything is sent or stored."""

    def submit_video(
        self,
        sound: Path | bytes | Audio | str | None = None,
        *,
        model: str,
        job_id: str | None = None,
        **options: Any,
    ) -> Job[VideoResult]:
        """Submit a sound of any length, for one film in which a face speaks it.

        `sound` is a file in any usual format (`Path`), the bytes of one, the `Audio` of a result, or an artifact's
        name. Without it `options` have a `text` or `text_ref`, and `speech`: `model`, `voice`, … of who speaks it. The
        others are fields of `VideoRequest`: `face`, `pictures`, `title`. If `job_id` is recorded already, nothing is
        sent. Raises `UnknownModel` and `UnknownVoice` also for the speaker.
        """
        request, found = self.video_request(sound, model=model, **options)
        self.store_sound(request, found)
        return self.submit(request, job_id)

    def video_request(
        self, sound: Path | bytes | Audio | str | None, **fields: Any
    ) -> tuple[VideoRequest, Sound | None]:
        """The request of a film, and the sound that `store_sound` is to store for it; nothing is stored or sent."""
        found = sound_of(sound) if isinstance(sound, Path | bytes) else None
        name = found.name if found else sound.artifact if isinstance(sound, Audio) else sound
        if isinstance(sound, str):
            _check_artifact(sound)
        audio = {} if name is None else {"audio": name}
        return VideoRequest.parse({**audio, **fields}), found

    def store_sound(self, request: VideoRequest, sound: Sound | None) -> None:
        """Check the request and its speaker, as `submit` does, and then store the sound, if it is not there."""
        self._check(request)
        if request.speech is not None:
            self._check_speaker(request)
        self.check_store("nothing was sent")
        if sound is not None:
            sound.put(self.store)

    def _check_speaker(self, request: VideoRequest) -> None:
        assert request.speech is not None
        text = {"text": request.text} if request.text is not None else {"text_ref": request.text_ref}
        try:
            self._check(ChapterRequest.parse({**request.speech.fields(), **text}))
        except InvalidInput as exc:
            raise type(exc)(f"speech: {exc}") from exc


def _check_artifact(name: str) -> None:
    try:
        checked_name(name)
    except InvalidInput as exc:
        raise InvalidInput(f"sound: {name[:60]!r} is not the name of an artifact; give a file as pathlib.Path") from exc
