# Shared by the findings, which source it. They end with 0 if the behaviour is as they describe it, with 1 if it is another
# one, and with 2 if it could not be tried.
set -euo pipefail

work=$(mktemp -d)
changed=0
processes=()

# shellcheck disable=SC2329
clean_up() {
  local code=$? pid mounted
  for pid in "${processes[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  for mounted in "$work"/root-*/{proc,dev}; do umount "$mounted" 2>/dev/null || true; done
  rm -rf --one-file-system "$work"
  if ((code == 0 && changed)); then code=1; fi
  exit "$code"
}
trap clean_up EXIT

# Says why it could not be tried.
give_up() { echo "not tried: $*" && exit 2; }

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

# Where this machine takes Debian's packages from.
debian_mirror() {
  need apt-get
  local mirror
  mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' | sed -n 's/^Debian //p' | head -n 1)
  [[ $mirror ]] || give_up "apt has no lists of Debian's packages: apt-get update"
  echo "$mirror"
}

# in_suite SUITE COMMAND...: apt's COMMAND with the packages of the Debian release SUITE, in a state of its own
in_suite() {
  local state=$work/apt-$1
  local -a options=(-o Dir::Etc::SourceList="$state/list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$state/lists"
    -o Dir::Cache="$state/cache" -o APT::Sandbox::User=root)
  if [[ ! -e $state ]]; then
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $1 main" >"$state/list"
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

# debian_package SUITE DIRECTORY NAME=VERSION...: unpacks them there
debian_package() {
  local archive
  check_version "$1" "${@:3}"
  mkdir -p "$2" "$work/archives"
  (cd "$work/archives" && in_suite "$1" apt-get download "${@:3}") || give_up "could not download ${*:3}"
  for archive in "$work"/archives/*.deb; do dpkg -x "$archive" "$2"; done
  rm -r "$work/archives"
  echo "Debian $1: ${*:3}"
}

# debian_root SUITE NAME=VERSION...: a root with these packages and what they need, at $work/root-SUITE
debian_root() {
  need debootstrap
  ((EUID == 0)) || give_up "debootstrap has to be run by root"
  local names
  check_version "$1" "${@:2}"
  names=$(printf ',%s' "${@:2}" | sed 's/=[^,]*//g')
  debootstrap --variant=minbase --include="${names:1}" "$1" "$work/root-$1" "$(debian_mirror)" >"$work/debootstrap.log" 2>&1 ||
    { tail "$work/debootstrap.log" && give_up "debootstrap failed"; }
  mount -t proc proc "$work/root-$1/proc"
  mount --bind /dev "$work/root-$1/dev"
  echo "Debian $1: ${*:2}"
}

# npm_package NAME@VERSION...: at $work/node_modules
npm_package() {
  need node npm
  npm install --prefix "$work" --no-save --no-audit --no-fund --silent "$@" || give_up "npm could not install $*"
  echo "npm: $*; Node.js $(node --version)"
}
