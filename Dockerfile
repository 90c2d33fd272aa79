# syntax=docker/dockerfile:1
# Every role of geofence in one image: `docker build -t geofence:0.1.0 .`, then `docker run geofence:0.1.0 geofence --help`.
# The core is compiled for the processor that builds it. On another kind it is compiled again at a container's first start.
ARG PYTHON=python:3.11.13-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 NUMBA_CACHE_DIR=/opt/geofence/.numba
WORKDIR /opt/geofence
RUN python -m venv .venv
COPY requirements/run.txt requirements/
RUN .venv/bin/python -m pip install -q --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY data data
COPY geofence geofence
COPY stream stream
COPY catalog catalog
COPY web web
COPY boundaries boundaries
COPY ingest ingest
COPY service service
RUN .venv/bin/python -m pip install -q --no-deps --no-build-isolation -e . \
 && .venv/bin/python -m compileall -q data geofence stream catalog web boundaries ingest service \
 && .venv/bin/python -m service.warm

FROM ${PYTHON}
RUN groupadd --gid 10001 geofence \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/geofence --shell /usr/sbin/nologin geofence \
 && install -d -o geofence -g geofence /var/lib/geofence
COPY --from=build /opt/geofence /opt/geofence
# numba uses no cache that it may not write to, so this folder alone belongs to who runs it.
COPY --from=build --chown=10001:10001 /opt/geofence/.numba /opt/geofence/.numba
COPY --chmod=755 deploy/container/healthy.py /usr/local/bin/healthy
ENV PATH=/opt/geofence/.venv/bin:$PATH NUMBA_CACHE_DIR=/opt/geofence/.numba PYTHONUNBUFFERED=1 \
    GEOFENCE_HOME=/var/lib/geofence GEOFENCE_SHELF=/var/lib/geofence/atlases MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /var/lib/geofence
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["healthy"]
CMD ["geofence", "--help"]
