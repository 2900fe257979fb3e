#!/usr/bin/env bash
# base-images.sh TAG... makes local stand-ins of base images, for a machine that reaches no registry: by name, golang, haproxy,
# prometheus, redis or (any other name) distroless static. They have the interface of the official images (paths, user, entrypoint), not
# their contents. Needs root, a running engine, debootstrap and a Debian mirror; Go, Prometheus and Redis are this machine's own, copied.
set -euo pipefail
suite=bookworm

fail() { echo "base-images: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "only root can make stand-ins of base images; or pull them: $*"
command -v debootstrap >/dev/null || fail "debootstrap is missing; on Debian: apt-get install debootstrap"

work=$(mktemp -d)
cleanup() { # debootstrap may have left a /proc mounted, which must not be removed
  awk -v d="$work/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# The mirror that this machine itself uses, where it has the suite.
mirror() {
  apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
    awk -v suite=$suite '$2 == suite {print $1; exit}'
}

# Debian with haproxy, in $work/debian: one tree for both images, since it takes minutes.
debian() {
  [ ! -e "$work/debian" ] || return 0
  timeout 900 debootstrap --variant=minbase --include=ca-certificates,haproxy $suite "$work/debian" $(mirror) >"$work/log" 2>&1 ||
    { tail -n 20 "$work/log" >&2; fail "debootstrap failed"; }
  rm -rf "$work"/debian/var/lib/apt/lists/* "$work"/debian/var/cache/apt/* "$work"/debian/usr/share/{doc,man,locale}/*
  certificates "$work/debian"
  chroot "$work/debian" usermod -u 99 haproxy
  mkdir -p "$work/debian/usr/local/etc/haproxy" "$work/debian/usr/local/go" "$work/debian/go"
}

certificates() { # this machine's own, which may have more than Debian's
  mkdir -p "$1/etc/ssl/certs"
  cp -L --remove-destination /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
}

import() { # import DIR TAG CHANGE...
  local dir=$1 tag=$2 changes=() change
  shift 2
  for change; do changes+=(--change "$change"); done
  tar --numeric-owner --one-file-system -C "$dir" -c . |
    docker import --change 'LABEL stand-in=true' "${changes[@]}" - "$tag" >/dev/null
}

haproxy() {
  debian
  # STOPSIGNAL by a build, since the engine 20.10 does not import it.
  import "$work/debian" hedgerow-stand-in:haproxy 'USER haproxy' \
    'ENTRYPOINT ["haproxy", "-W", "-db"]' 'CMD ["-f", "/usr/local/etc/haproxy/haproxy.cfg"]'
  printf 'FROM hedgerow-stand-in:haproxy\nSTOPSIGNAL SIGUSR1\n' | docker build -q -t "$1" - >/dev/null
  docker rmi --no-prune hedgerow-stand-in:haproxy >/dev/null
}

golang() {
  debian
  cp -a "$(go env GOROOT)/." "$work/debian/usr/local/go/"
  chown -R 0:0 "$work/debian/usr/local/go"
  import "$work/debian" "$1" 'ENV PATH=/usr/local/go/bin:/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'ENV GOPATH=/go' 'ENV GOTOOLCHAIN=local' 'WORKDIR /go' 'CMD ["bash"]'
  rm -rf "$work/debian/usr/local/go"/*
}

prometheus() { # and the libraries that it is linked with
  local root=$work/prometheus
  type -P prometheus >/dev/null || fail "prometheus is missing; on Debian: apt-get install prometheus"
  mkdir -p "$root"/{bin,etc,proc,sys,dev}
  cp -L "$(type -P prometheus)" "$root/bin/"
  ldd "$root/bin/prometheus" | grep -o '/[^ ]*' | xargs -r cp -L --parents -t "$root"
  import "$root" "$1" 'USER 65534' 'ENTRYPOINT ["/bin/prometheus"]'
}

redis() { # and the libraries that it is linked with
  local root=$work/redis
  type -P redis-server >/dev/null || fail "redis-server is missing; on Debian: apt-get install redis-server"
  mkdir -p "$root"/{bin,data,proc,sys,dev,tmp}
  cp -L "$(type -P redis-server)" "$root/bin/"
  ldd "$root/bin/redis-server" | grep -o '/[^ ]*' | xargs -r cp -L --parents -t "$root"
  import "$root" "$1" 'ENV PATH=/bin' 'WORKDIR /data' 'CMD ["redis-server"]'
}

distroless() {
  local dir=$work/distroless
  mkdir -p "$dir"/{etc,tmp,home/nonroot,proc,sys,dev}
  echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$dir/etc/passwd"
  echo 'nonroot:x:65532:' >"$dir/etc/group"
  certificates "$dir"
  chmod 1777 "$dir/tmp"
  chmod 755 "$dir"
  import "$dir" "$1" 'USER 65532' 'WORKDIR /home/nonroot'
}

for tag; do
  case $tag in
    *golang*) golang "$tag" ;;
    *haproxy*) haproxy "$tag" ;;
    *prometheus*) prometheus "$tag" ;;
    *redis*) redis "$tag" ;;
    *) distroless "$tag" ;;
  esac
done
