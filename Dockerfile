# The same pins as everywhere else (envs/requirements.txt).
ARG BASE=docker.io/library/python:3.11-slim-bookworm
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends git make && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/winning-tickets
COPY envs/requirements.txt envs/requirements.txt
RUN pip install --no-cache-dir -r envs/requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --editable . && useradd --create-home reader && chown -R reader .
USER reader
CMD ["snakemake"]
