# Both base images can be replaced, for a mirror or a machine without a network:
#   docker build --build-arg GO_IMAGE=mirror/golang:1.26 --build-arg BASE_IMAGE=scratch -t hedgerow .
# There is no syntax line and no RUN --mount: the builders of Docker 20.10 and Compose 1.29 have to read this file as well.
ARG GO_IMAGE=golang:1.26-bookworm
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM ${GO_IMAGE} AS build
# By this label `make clean` finds what the classic builder leaves of this stage.
LABEL hedgerow=build
WORKDIR /src
# Where modules come from. Empty: Go's own default.
ARG GOPROXY
# Without Gin's MessagePack, which nothing here uses, the binary is 6 MB smaller.
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -tags=nomsgpack"
# Modules first, and the largest of them compiled: these layers stay in the cache until go.mod changes, and a build after a change
# of the code takes seconds instead of minutes.
COPY go.mod go.sum ./
RUN go mod download && go build github.com/gin-gonic/gin github.com/swaggo/gin-swagger github.com/prometheus/client_golang/prometheus/promhttp
COPY . .
ARG VERSION=dev
RUN go build -ldflags "-s -w -X main.version=${VERSION}" -o /hedgerow ./cmd/hedgerow
RUN go build -ldflags "-s -w" -o /healthcheck ./cmd/healthcheck

# Distroless rather than scratch: its user has a name, it has time zones, and scanners know what it is.
FROM ${BASE_IMAGE}
# The certificates that an https upstream needs come from the build stage, so that any base will do, scratch too.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /hedgerow /healthcheck /
ARG VERSION=dev
LABEL hedgerow=image \
      org.opencontainers.image.title="Hedgerow" \
      org.opencontainers.image.description="Answers in time in front of a slow, unreliable HTTP API" \
      org.opencontainers.image.version="${VERSION}"
# By number: not every base knows the name.
USER 65532:65532
EXPOSE 5000
# The first check comes after an interval, and what waits for a healthy service waits for it. Each starts a process, which takes 10 ms of
# a core, and the engine's own work. `hedgerow healthcheck` would take four times as long: it links the whole service.
HEALTHCHECK --interval=5s --timeout=3s CMD ["/healthcheck"]
ENTRYPOINT ["/hedgerow"]
