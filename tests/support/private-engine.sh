#!/usr/bin/env bash
# A container engine of its own: containerd and dockerd in namespaces of their own (network, mounts, processes), so that nothing of it touches the
# machine's engine, its firewall rules or its interfaces. It lives as long as its standard input is open: then every process of it is killed by the
# kernel, mounts and interfaces go with their namespaces, and its folder and control groups are removed.
#   private-engine.sh FOLDER NAME
# Reads lines: `start FLAGS` begins dockerd, `kill SIGNAL` ends it and waits; answers each with a line.
set -u
folder=$1 name=$2

if [[ ${3:-} != inside ]]; then
  unshare --net --mount --pid --fork --kill-child --propagation private bash "$0" "$folder" "$name" inside
  for _ in {1..50}; do
    find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} + 2>/dev/null
    rm -rf "$folder" 2>/dev/null
    [[ -z $(find /sys/fs/cgroup -maxdepth 2 -name "$name" 2>/dev/null) && ! -e $folder ]] && exit 0
    sleep 0.1
  done
  exit 1
fi

cd / || exit 1
mount -t proc proc /proc || exit 1
# Both programs have places that no option moves; seen from here alone, they are empty.
for place in /run/docker /run/containerd; do
  mkdir -p "$place" && mount -t tmpfs tmpfs "$place" || exit 1
done
ip link set lo up || exit 1
mkdir -p "$folder/run"
cat >"$folder/containerd.toml" <<'TOML'
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
TOML
echo '{}' >"$folder/dockerd.json"
containerd --config "$folder/containerd.toml" --root "$folder/containerd" --state "$folder/run/containerd" \
  --address "$folder/run/containerd.sock" --log-level warn >"$folder/containerd.log" 2>&1 &

dockerd_pid=
while read -r word rest; do
  case $word in
    start)
      # shellcheck disable=SC2086
      dockerd --config-file "$folder/dockerd.json" --host "unix://$folder/docker.sock" --data-root "$folder/docker" \
        --exec-root "$folder/run/docker" --pidfile "$folder/run/docker.pid" --containerd "$folder/run/containerd.sock" \
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" --bridge none \
        --default-address-pool base=10.213.0.0/16,size=24 --log-level warn $rest >>"$folder/dockerd.log" 2>&1 &
      dockerd_pid=$!
      echo started
      ;;
    kill)
      kill "-$rest" "$dockerd_pid"
      wait "$dockerd_pid" 2>/dev/null
      echo ended
      ;;
  esac
done
