# One image for each family, whatever the family:
#   make images FAMILY=sensor_distillation
# The layers up to the family's own packages are the same for all of them: 5.5 GB that a node holds once.

# CUDA's base holds little: torch's wheels bring their libraries. 13.0.1 asks for the driver (580) that torch needs.
# Any Debian or Ubuntu with Python 3.11 or newer works, without a GPU too.
ARG BASE_IMAGE=docker.io/nvidia/cuda:13.0.1-base-ubuntu24.04@sha256:f8ef28f579ea42a44b415d2c5d46f788e6a9b395c6c83f2929416e1fc192c143

# The installer, which the image itself does without.
FROM ${BASE_IMAGE} AS tools
SHELL ["/bin/bash", "-eu", "-o", "pipefail", "-c"]
# Versions of Debian's packages differ between bases, and old ones leave its mirrors.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
COPY requirements/uv.txt /tmp/
RUN python3 -m pip install --no-cache-dir --require-hashes --target /opt/uv --requirement /tmp/uv.txt

# What every family runs on. A base that has certificates keeps them: there may be a proxy's among them.
FROM ${BASE_IMAGE} AS runtime
SHELL ["/bin/bash", "-eu", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 \
 && { [ -s /etc/ssl/certs/ca-certificates.crt ] || apt-get install --yes --no-install-recommends ca-certificates; } \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "BASE_IMAGE: its python3 must be 3.11 or newer, not " + sys.version)'
# Installed and never changed: bytecode that is taken without a look at its source.
ENV VIRTUAL_ENV=/opt/python PATH=/opt/python/bin:${PATH} \
    UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never UV_HTTP_TIMEOUT=300 PYC_INVALIDATION_MODE=UNCHECKED_HASH
RUN --mount=type=bind,from=tools,source=/opt/uv,target=/opt/uv \
    --mount=type=bind,source=requirements/core.txt,target=/tmp/core.txt \
    /opt/uv/bin/uv venv --python /usr/bin/python3 /opt/python \
 && /opt/uv/bin/uv pip install --require-hashes --compile-bytecode --requirement /tmp/core.txt

FROM runtime
ARG FAMILY
# A family without needs of its own has no file.
RUN --mount=type=bind,from=tools,source=/opt/uv,target=/opt/uv \
    --mount=type=bind,source=requirements,target=/tmp/requirements \
    if [ -f "/tmp/requirements/${FAMILY:?build-arg FAMILY is missing}.txt" ]; then \
      /opt/uv/bin/uv pip install --require-hashes --compile-bytecode --requirement "/tmp/requirements/${FAMILY}.txt"; \
    fi
COPY lib /opt/seedbed/lib
COPY jobs/${FAMILY} /opt/seedbed/jobs/${FAMILY}
COPY --chmod=0755 images/seedbed.py /usr/local/bin/seedbed

# One thread, and glibc keeps its memory: as workers have it elsewhere (lib/seedbed/local/pool.py says why).
# Everything is written below /tmp, the rest of the root is read-only. Kernels are compiled for no CPU in
# particular: those that the build compiled then suit every node, with the same bits.
ENV PYTHONPATH=/opt/seedbed/lib:/opt/seedbed \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
    MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_TOP_PAD_=67108864 \
    HOME=/tmp SEEDBED_CACHE=/tmp/cache SEEDBED_DATA=/data \
    NUMBA_CACHE_DIR=/tmp/cache/numba NUMBA_CPU_NAME=generic MPLCONFIGDIR=/tmp/cache/matplotlib

# The image's own test, which also leaves the caches that `seedbed` starts with: kernels, prepared data, fonts.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/seedbed \
 && seedbed selftest \
 && python -c 'import matplotlib.font_manager' \
 && cp -r --no-preserve=mode /tmp/cache /opt/seedbed/cache \
 && rm -rf /tmp/*

ARG REVISION=unknown
ENV SEEDBED_REVISION=${REVISION}
LABEL org.opencontainers.image.title=${FAMILY} \
      org.opencontainers.image.revision=${REVISION}
USER 8737:8737
WORKDIR /tmp
CMD ["seedbed", "--help"]
