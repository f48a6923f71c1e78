# The service with all its optional formats (REQUIREMENTS=service: with none). `make image` builds it; docs/image.md tells
# how it is checked and pinned.
# Both bases are arguments, so that a release names them by digest.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG UV_IMAGE=astral/uv:0.13.9

FROM ${UV_IMAGE} AS uv

FROM ${PYTHON_IMAGE} AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
WORKDIR /src
ARG REQUIREMENTS=image
COPY requirements/build.txt requirements/${REQUIREMENTS}.txt requirements/
RUN uv venv --quiet --python python3 /opt/build \
 && uv pip install --quiet --python /opt/build --require-hashes -r requirements/build.txt \
 && uv venv --quiet --python python3 /opt/scicat-ingest \
 && uv pip install --quiet --python /opt/scicat-ingest --compile-bytecode --require-hashes -r "requirements/${REQUIREMENTS}.txt"
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY service service
RUN /opt/build/bin/python -m hatchling build -t wheel \
 && uv pip install --quiet --python /opt/scicat-ingest --compile-bytecode --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
# What installs packages is of no use to the service, and of some to an intruder.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/* \
    /usr/lib/python3.*/ensurepip /usr/share/python-wheels
ARG PYTHON_IMAGE
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="scicat-ingest" \
      org.opencontainers.image.description="Reads acquisition events from Kafka and records them in SciCat, losing nothing" \
      org.opencontainers.image.licenses="BSD-3-Clause" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
COPY --from=build /opt/scicat-ingest /opt/scicat-ingest
# The root file system may be read-only; /tmp is the only place that is written to.
ENV PATH=/opt/scicat-ingest/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp/matplotlib HOME=/tmp
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["scicat-ingest"]
CMD ["run"]
