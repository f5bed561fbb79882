# Build: make image. Run: docker run -p 8815:8815 -v /path/to/files:/data:ro --read-only --tmpfs /tmp mtflight:dev serve --insecure
# With the SQL engine, of amd64: make image-sql (--target sql). The binary is the wheel's, with its C libraries inside. HDF5's plug-ins are mounted at /plugins, other settings at /etc/mtflight.yaml.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends python3-venv xz-utils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
ARG TARGETARCH=amd64
COPY .ci/venv .ci/python .ci/
COPY packaging packaging
RUN .ci/venv .venv-wheel packaging/requirements.txt \
 && packaging/fetch sources $TARGETARCH \
 && packaging/libraries prefix $TARGETARCH
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN packaging/binary prefix $TARGETARCH $VERSION \
 && packaging/rootfs root $TARGETARCH \
 && install -D -t root/usr/local/bin prefix/mtflight \
 && install -D -m 644 -t root/usr/share/doc/mtflight LICENSE THIRD_PARTY_LICENSES \
 && install -D -m 644 packaging/image/mtflight.yaml root/etc/mtflight.yaml \
 && .venv-wheel/bin/python packaging/sbom.py prefix/mtflight $VERSION root >root/usr/share/doc/mtflight/sbom.cdx.json

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS engine
WORKDIR /src
COPY . .
WORKDIR /src/cmd/mtflight-sql
RUN go build -trimpath -tags duckdb_arrow -ldflags '-s -w' -o /out/usr/local/bin/mtflight-sql . \
 && install -D -m 644 -t /out/usr/share/doc/mtflight-sql THIRD_PARTY_LICENSES

FROM scratch AS server
COPY --from=build /src/root /
ENV PATH=/usr/local/bin HDF5_PLUGIN_PATH=/plugins MTFLIGHT_CONFIG=/etc/mtflight.yaml
USER 8815:8815
EXPOSE 8815
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["mtflight", "health", "grpc+unix:///dev/shm/mtflight.sock"]
ENTRYPOINT ["mtflight"]
CMD ["serve"]

FROM server AS sql
COPY --from=engine /out /

FROM server
