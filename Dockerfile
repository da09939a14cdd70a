# The image: Debian's redis-server with the module loaded, running as the user redis, its data in /data.
# The first stage has the compiler, the second only what runs. All of it but the module is the distribution's.

FROM debian:bookworm-slim AS build
# Versions are left to the distribution: its security updates are wanted, and it drops what they replace.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc python3-cffi python3-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN python3 build.py && python3 tools/image_layout.py build /image


FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="redis-state-machine" \
      org.opencontainers.image.description="Redis with state machines as a data type" \
      org.opencontainers.image.licenses="MIT"
# The user comes before the packages, which would give it any free number: volumes outlive images.
# hadolint ignore=DL3008
RUN groupadd --system --gid 999 redis \
    && useradd --system --uid 999 --gid redis --home-dir /data --no-create-home --shell /usr/sbin/nologin redis \
    && apt-get update \
    && apt-get install -y --no-install-recommends libpython3.11 redis-server \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
    && install -d -o redis -g redis /data
COPY --from=build /image /
# By name: it has its number above.
# hadolint ignore=DL3066
USER redis
WORKDIR /data
VOLUME /data
EXPOSE 6379
ENTRYPOINT ["/usr/local/lib/redisstate/entrypoint"]
CMD ["redis-server"]
