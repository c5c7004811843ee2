# slotline's image: producer, flow worker, slot worker and Flower are one image, told apart by
# their command. CPU models; an image for GPU models starts from a CUDA base and adds extras:
#   docker build --build-arg EXTRAS=espeak,flower,onnx,kokoro-en .     speaks English by Kokoro, too
#   docker build --build-arg EXTRAS=espeak,flower,torch .
# /models has the catalog and the weights that `slotline model pull` fetches; a new volume begins with the image's.

FROM python:3.12-slim AS build
ARG EXTRAS=espeak,flower
RUN python -m venv /opt/slotline
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip /opt/slotline/bin/pip install ".[${EXTRAS}]"

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 slotline \
    && install -d -o slotline -g slotline /data /data/store /models
COPY --from=build /opt/slotline /opt/slotline
COPY --chown=slotline:slotline models.toml /models/models.toml
ENV PATH=/opt/slotline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    SLOTLINE_STORE_URL=/data/store \
    SLOTLINE_MODELS=/models/models.toml \
    XDG_DATA_HOME=/models
USER slotline
# Not a folder that could hold another tasks/ or workers/: Celery puts it on the path.
WORKDIR /home/slotline
VOLUME /data /models
CMD ["celery", "-A", "workers", "worker", "-Q", "flow"]
