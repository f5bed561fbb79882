# Build: make image. Run: docker run -p 8815:8815 -v /path/to/files:/data:ro mtflight:dev
FROM golang:1.26-bookworm AS build
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends gcc libc6-dev pkg-config libhdf5-dev libdeflate-dev libblosc-dev \
    libzstd-dev libaec-dev libbz2-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /mtflight ./cmd/mtflight

FROM debian:bookworm-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libhdf5-103-1 libhdf5-hl-100 libdeflate0 libblosc1 libzstd1 libaec0 \
    libbz2-1.0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 8815 --no-create-home --shell /usr/sbin/nologin mtflight
COPY --from=build /mtflight /usr/local/bin/mtflight
COPY LICENSE THIRD_PARTY_LICENSES /usr/share/doc/mtflight/
USER mtflight
EXPOSE 8815
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["mtflight", "health"]
ENTRYPOINT ["mtflight", "serve", "--listen", "grpc://0.0.0.0:8815"]
CMD ["/data"]
