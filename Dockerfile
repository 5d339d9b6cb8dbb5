# SPDX-License-Identifier: Apache-2.0
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc g++ libc6-dev cmake ninja-build pkg-config librdkafka-dev libavro-dev libhiredis-dev \
        libcurl4-openssl-dev libmicrohttpd-dev libyaml-dev libjansson-dev libssl-dev zlib1g-dev \
        libsimdjson-dev libprotobuf-dev libprotoc-dev libre2-dev
WORKDIR /kdrift
COPY CMakeLists.txt CMakePresets.json ./
COPY src src
RUN cmake --preset release -DKDRIFT_TESTS=OFF && cmake --build --preset release --target kdrift

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
        librdkafka1 libavro23 libhiredis0.14 libcurl4 libmicrohttpd12 libyaml-0-2 libjansson4 libssl3 zlib1g \
        libsimdjson14 libprotobuf32 libre2-9 \
        redis-server ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* && useradd --system --home /var/lib/kdrift --create-home kdrift
COPY --from=build /kdrift/build/kdrift /usr/local/bin/kdrift
COPY alerts /etc/kdrift/alerts
USER kdrift
WORKDIR /var/lib/kdrift
EXPOSE 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["kdrift"]
CMD ["run", "--config", "/etc/kdrift/kdrift.yaml"]
