# The pipeline, its tests and its linters, with the pins of envs/requirements.txt as everywhere else.
# Building, running, GPUs, Apptainer: docs/how-to/run-in-a-container.md
#
# BASE            the tag follows Debian's fixes; for the same bits again name a digest, python@sha256:...
# PIP_EXTRA_ARGS  options of `pip install`; which index it asks decides whether torch is built for CPUs or for CUDA
# COMMIT          what was built, for run.json: the image has no .git
ARG BASE=docker.io/library/python:3.11-slim-bookworm
FROM ${BASE}

# git is for checkouts that are mounted (their commit, DVC), make for the two commands of the README.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && git config --system --add safe.directory '*' \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*

WORKDIR /opt/winning-tickets

# Tests that packages bring along (300 MB) go within the same layer. Bytecode stays: not every user may write it later.
COPY envs/requirements.txt envs/requirements.txt
ARG PIP_EXTRA_ARGS=
RUN python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir ${PIP_EXTRA_ARGS} --requirement envs/requirements.txt \
    && cd .venv/lib/python3*/site-packages \
    && find . -depth -type d -name tests -exec rm -r {} + \
    && rm -rf torch/test torch/bin/*test* torch/bin/*Test

# As `make setup` leaves it; .ready says so to `make demo` and `make test`.
COPY . .
ARG PIP_EXTRA_ARGS=
RUN .venv/bin/pip install --no-cache-dir --no-deps ${PIP_EXTRA_ARGS} --editable . \
    && .venv/bin/python -m compileall -q src \
    && touch .venv/.ready

# Any user works here, also one that the image does not know (`docker run --user`). Whatever comes with the sources
# is readable, and what the pipeline writes into is writable.
RUN useradd --create-home reader \
    && mkdir -p results .snakemake .tickets \
    && find . -path ./.venv -prune -o ! -type l ! -perm -a+r -exec chmod a+rX {} + \
    && chmod -R a+rwX results .snakemake .tickets \
    && chmod a+rwx . /home/reader
# A checkout that is the working directory brings its own code; elsewhere it is the image's.
ENV PYTHONPATH=src \
    HOME=/home/reader \
    USER=reader \
    PATH=/opt/winning-tickets/.venv/bin:$PATH
USER reader

ARG COMMIT=
ENV TICKETS_COMMIT=${COMMIT}
LABEL org.opencontainers.image.title="winning-tickets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}"
CMD ["make", "demo"]
