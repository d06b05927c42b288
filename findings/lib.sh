# shellcheck shell=bash
# Functions of the findings, which source this file. A finding exits with 0 if the behaviour is as described, with 1 if it is
# different, and with 2 if it could not be tested.
set -euo pipefail

work=$(mktemp -d)
changed=0

# shellcheck disable=SC2329
clean_up() {
  local code=$?
  rm -rf --one-file-system "$work"
  if ((code == 0 && changed)); then code=1; fi
  exit "$code"
}
trap clean_up EXIT

# Prints why it could not be tested.
give_up() { echo "not tried: $*" >&2 && exit 2; }

# need PROGRAM...
need() {
  local program
  for program; do command -v "$program" >/dev/null || give_up "$program is not installed"; done
}

# expect WHAT WANTED SEEN
expect() {
  if [[ $3 == "$2" ]]; then
    printf '%s: %s\n' "$1" "$3"
  else
    printf 'CHANGED: %s: %s\n     instead of: %s\n' "$1" "$3" "$2"
    changed=1
  fi
}

# Prints the mirror of this machine's Debian packages.
debian_mirror() {
  need apt-get
  local mirror
  mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' | sed -n 's/^Debian //p' | head -n 1)
  [[ $mirror ]] || give_up "apt has no lists of Debian's packages: apt-get update"
  echo "$mirror"
}

# in_suite SUITE COMMAND...: runs apt's COMMAND for the Debian release SUITE, with a separate apt state
in_suite() {
  local state=$work/apt-$1 mirror
  local -a options=(-o Dir::Etc::SourceList="$state/list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$state/lists"
    -o Dir::Cache="$state/cache" -o APT::Sandbox::User=root)
  if [[ ! -e $state ]]; then
    mirror=$(debian_mirror) || exit 2
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" >"$state/list"
    apt-get -qq "${options[@]}" update || give_up "no lists of Debian $1"
  fi
  "$2" -qq "${options[@]}" "${@:3}"
}

# check_version SUITE NAME=VERSION...
check_version() {
  local package found
  for package in "${@:2}"; do
    found=$(in_suite "$1" apt-cache policy "${package%%=*}" | sed -n 's/^  Candidate: //p')
    [[ $found == "${package#*=}" ]] || give_up "Debian $1 has ${package%%=*} ${found:-not}, this is about ${package#*=}"
  done
}

# debian_package SUITE DIRECTORY NAME=VERSION...: unpacks the packages into DIRECTORY
debian_package() {
  local archive
  check_version "$1" "${@:3}"
  mkdir -p "$2" "$work/archives"
  (cd "$work/archives" && in_suite "$1" apt-get download "${@:3}") || give_up "could not download ${*:3}"
  for archive in "$work"/archives/*.deb; do dpkg -x "$archive" "$2"; done
  rm -r "$work/archives"
  echo "Debian $1: ${*:3}"
}

# debian_root SUITE NAME=VERSION...: makes a root with these packages and their dependencies
debian_root() {
  need debootstrap
  ((EUID == 0)) || give_up "debootstrap has to be run by root"
  local names
  check_version "$1" "${@:2}"
  names=$(printf ',%s' "${@:2}" | sed 's/=[^,]*//g')
  debootstrap --variant=minbase --include="${names:1}" "$1" "$work/root-$1" "$(debian_mirror)" >"$work/debootstrap.log" 2>&1 ||
    { tail "$work/debootstrap.log" && give_up "debootstrap failed"; }
  echo "Debian $1: ${*:2}"
}

# in_root SUITE COMMAND...: runs COMMAND in that root, with a separate loopback network. Its child processes end with it.
in_root() {
  need unshare ip
  unshare --mount --net --uts --pid --fork --kill-child bash -c '
    mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && ip link set lo up && hostname localhost
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 chroot "$0" "$@"' "$work/root-$1" "${@:2}"
}

# ask_rabbitmq SUITE SETTING...: runs the Python program on standard input against a new RabbitMQ node; prints its output
ask_rabbitmq() {
  local root=$work/root-$1
  cat >"$root/tmp/ask.py"
  rm -rf "$root/tmp/node" && mkdir "$root/tmp/node"
  printf '%s\n' "listeners.tcp.1 = 127.0.0.1:5672" "disk_free_limit.absolute = 1" "${@:2}" >"$root/tmp/node/rabbitmq.conf"
  echo '[].' >"$root/tmp/node/plugins"
  cat >"$root/tmp/run" <<'END'
export RABBITMQ_NODENAME=finding@localhost RABBITMQ_CONFIG_FILE=/tmp/node/rabbitmq RABBITMQ_MNESIA_BASE=/tmp/node/data \
  RABBITMQ_LOG_BASE=/tmp/node RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/node/plugins RABBITMQ_CONF_ENV_FILE=/tmp/node/none
/usr/lib/rabbitmq/bin/rabbitmq-server >/tmp/node/out 2>&1 &
for _ in {1..300}; do (: </dev/tcp/127.0.0.1/5672) 2>/dev/null && break || sleep 0.2; done
timeout 60 python3 /tmp/ask.py
kill $! && wait $!
exit 0
END
  in_root "$1" bash /tmp/run
}

# npm_package NAME@VERSION...: installs the packages into $work/node_modules
npm_package() {
  need node npm
  npm install --prefix "$work" --no-save --no-audit --no-fund --silent "$@" || give_up "npm could not install $*"
  echo "npm: $*; Node.js $(node --version)"
}
