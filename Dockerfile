# The image: Debian's server with the module loaded, and the command line; it runs as user 999, its data in /data.
#   SERVER=redis  DEBIAN=bookworm   Debian 12 and its Redis 7.0; so without arguments
#   SERVER=valkey DEBIAN=trixie     Debian 13 and its Valkey 8.1
# The first stage is what runs, the second adds the compiler, the last takes what that has made. Server and Python are
# the distribution's; the libraries of the command line are PyPI's, in the versions that the tests have.
ARG DEBIAN=bookworm

FROM debian:${DEBIAN}-slim AS base
ARG SERVER=redis
# The user comes before the packages, which would give it any free number: volumes outlive images.
# Versions are left to the distribution: its security updates are wanted, and it drops what they replace.
# hadolint ignore=DL3008
RUN groupadd --system --gid 999 "$SERVER" \
    && useradd --system --uid 999 --gid 999 --home-dir /data --no-create-home --shell /usr/sbin/nologin "$SERVER" \
    && apt-get update \
    && apt-get install -y --no-install-recommends '^libpython3\.[0-9]+$' python3-minimal "$SERVER-server" \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
    && install -d -o 999 -g 999 /data


FROM base AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc python3-cffi python3-dev python3-pip \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The secret is a file of certificates, for networks whose proxy has one of its own.
RUN --mount=type=secret,id=certificates \
    if [ -s /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi \
    && python3 build.py \
    && python3 -m pip install --quiet --root-user-action ignore --no-warn-script-location --break-system-packages \
        --no-compile --no-cache-dir --root /image -c requirements-dev.txt ".[cli]" \
    && python3 tools/image_layout.py build /image


FROM base
LABEL org.opencontainers.image.title="redis-state-machine" \
      org.opencontainers.image.description="Redis or Valkey with state machines as a data type" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /image /
# By number: a platform that wants no root must see that it is none.
USER 999:999
WORKDIR /data
VOLUME /data
EXPOSE 6379
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/lib/redisstate/healthcheck"]
ENTRYPOINT ["/usr/local/lib/redisstate/entrypoint"]
