# slotline's image: producer, flow worker, slot worker and Flower are one image, told apart by
# their command. CPU models; an image for GPU models starts from a CUDA base and adds extras:
#   docker build --build-arg EXTRAS=espeak,flower,torch .

FROM python:3.12-slim AS build
ARG EXTRAS=espeak,flower
RUN python -m venv /opt/slotline
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip /opt/slotline/bin/pip install ".[${EXTRAS}]"

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 slotline \
    && install -d -o slotline -g slotline /data /data/store
COPY --from=build /opt/slotline /opt/slotline
ENV PATH=/opt/slotline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    SLOTLINE_STORE_URL=/data/store
USER slotline
# Not a folder that could hold another tasks/ or workers/: Celery puts it on the path.
WORKDIR /home/slotline
VOLUME /data
CMD ["celery", "-A", "workers", "worker", "-Q", "flow"]
