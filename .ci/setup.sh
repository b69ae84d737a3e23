# shellcheck shell=sh
# What `apus`, `test` and `.ci/run` share: finds Swift, installs missing libraries, builds.
# Sourced with `root` set to the folder of Package.swift. Exit code 4: something the system lacks.

: "${root:?set by whoever sources this file}"

say() { printf 'apus: %s\n' "$*" >&2; }

# Sets `swift` to the Swift command, which need not be on the PATH.
find_swift() {
  swift=$(command -v swift || true)
  for folder in "${HOME:-/nowhere}/.local/share/swiftly/bin" "${HOME:-/nowhere}/.swiftly/bin" \
    "${APUS_SYSROOT:-}/opt/swift/usr/bin" "${APUS_SYSROOT:-}/usr/local/swift/usr/bin" \
    "${APUS_SYSROOT:-}/usr/share/swift/usr/bin"; do
    if [ -z "$swift" ] && [ -x "$folder/swift" ]; then swift=$folder/swift; fi
  done
  if [ -z "$swift" ]; then
    say "Swift is not installed. Install Swift 6.2 or newer from https://www.swift.org/install"
    say "and run this command again."
    exit 4
  fi
}

# Whether one of the usual folders has a header; Homebrew calls its package by the second name.
# `prefix` is the folder of Homebrew, `APUS_SYSROOT` a system other than the running one.
has_header() {
  for folder in "${APUS_SYSROOT:-}/usr/include" "${APUS_SYSROOT:-}/usr/local/include" \
    ${prefix:+"$prefix/include" "$prefix/opt/$2/include"}; do
    if [ -e "$folder/$1" ]; then return 0; fi
  done
  return 1
}

# Adds the package of a header to `missing`: header, name in apt, name in Homebrew.
need_header() {
  if has_header "$1" "$3"; then return 0; fi
  if [ "$system" = Darwin ]; then missing="$missing $3"; else missing="$missing $2"; fi
}

# Adds the package of a command to `missing`: command, name in apt, name in Homebrew.
need_command() {
  if command -v "$1" >/dev/null 2>&1; then return 0; fi
  if [ "$system" = Darwin ]; then missing="$missing $3"; else missing="$missing $2"; fi
}

# Installs the system libraries that are missing, after saying so; never asks.
install_libraries() {
  system=$(uname -s)
  prefix=
  if [ "$system" = Darwin ]; then find_homebrew; fi
  missing=
  if [ -z "${APUS_ONEDNN_ROOT:-}" ]; then need_header dnnl.h libdnnl-dev onednn; fi
  need_header png.h libpng-dev libpng
  need_header turbojpeg.h libturbojpeg0-dev jpeg-turbo
  need_header webp/decode.h libwebp-dev webp
  need_header freetype2/ft2build.h libfreetype-dev freetype
  if [ "$system" != Darwin ]; then need_header zlib.h zlib1g-dev zlib; fi
  need_command pkg-config pkg-config pkgconf
  need_command git git git
  if [ -z "$missing" ]; then return 0; fi
  # Names of packages have no spaces: the list is split on purpose.
  # shellcheck disable=SC2086
  if [ "$system" = Darwin ]; then
    say "installing what is missing with Homebrew:$missing"
    brew install $missing >&2 </dev/null && return 0
    say "Homebrew could not install them; run: brew install$missing"
    exit 4
  elif command -v apt-get >/dev/null 2>&1; then
    if may_install; then
      say "installing what is missing with apt-get:$missing"
      install_with_apt $missing && return 0
      say "apt-get could not install them."
    else
      say "libraries are missing, and installing them needs an administrator."
    fi
    say "Run: sudo apt-get update && sudo apt-get install -y$missing"
    exit 4
  fi
  say "libraries are missing. Install your system's development packages for what Debian calls"
  say "$missing, then run this command again."
  exit 4
}

find_homebrew() {
  if ! command -v brew >/dev/null 2>&1; then
    for folder in /opt/homebrew/bin /usr/local/bin; do
      if [ -x "$folder/brew" ]; then PATH=$folder:$PATH; fi
    done
  fi
  if ! command -v brew >/dev/null 2>&1; then
    say "Homebrew is needed for the libraries. Install it from https://brew.sh and run this again."
    exit 4
  fi
  prefix=$(brew --prefix)
}

# Whether packages can be installed without asking anybody; sets `sudo` to what goes before.
may_install() {
  sudo=
  if [ "$(id -u)" = 0 ]; then return 0; fi
  sudo='sudo -n'
  command -v sudo >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1
}

# Installs packages, with fresh lists only where the present ones do not do.
install_with_apt() {
  apt_get install -y -qq --no-install-recommends "$@" && return 0
  apt_get update -qq && apt_get install -y -qq --no-install-recommends "$@"
}

apt_get() {
  # `sudo` is empty or two words.
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@" >&2 </dev/null
}

# Runs a subcommand of Swift, with Homebrew's folders on macOS.
run_swift() {
  if [ -n "${prefix:-}" ]; then
    "$swift" "$@" -Xcc "-I$prefix/include" -Xlinker "-L$prefix/lib"
  else
    "$swift" "$@"
  fi
}

# Builds the command where a source is newer than the last build. Nothing goes to stdout; where
# nobody watches, the compiler's words are shown only when it fails.
build_command() {
  stamp=$root/.build/apus.stamp
  binary=$root/.build/release/apus
  if [ -e "$stamp" ] && [ -x "$binary" ] && [ -z "$(changed_sources)" ]; then return 0; fi
  find_swift
  install_libraries
  mkdir -p "$root/.build"
  # The time before the build counts: what is edited during it is built the next time.
  : >"$stamp.new"
  say "building, which takes some minutes the first time"
  set -- build -c release --product apus --package-path "$root"
  if [ -t 2 ]; then
    run_swift "$@" >&2 || build_failed
  else
    run_swift "$@" >"$root/.build/apus.log" 2>&1 || {
      cat "$root/.build/apus.log" >&2
      build_failed
    }
  fi
  mv "$stamp.new" "$stamp"
}

build_failed() {
  say "the build failed; the compiler's words are above"
  exit 1
}

# The first source that is newer than the stamp. Folders count too: a removed file changes them.
changed_sources() {
  find "$root/Package.swift" "$root/Sources" -newer "$stamp" -print | head -n 1
}

# Installs the data sets that tests use, where that needs nobody's leave; tests of absent ones are
# skipped by name.
install_data() {
  if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    return 0
  fi
  absent=
  for package in dataset-fashion-mnist wordnet-base sword-text-kjv sword-text-sparv \
    fonts-noto-color-emoji unicode-cldr-core; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    if [ "$status" != installed ]; then absent="$absent $package"; fi
  done
  if [ -z "$absent" ]; then return 0; fi
  if may_install; then
    say "installing data for the tests with apt-get:$absent"
    # shellcheck disable=SC2086
    install_with_apt $absent && return 0
  fi
  say "tests of these data are skipped; to run them: sudo apt-get install -y$absent"
}

# Puts a plugin of XLA for CPUs into the user's cache and names it to the tests; they skip what needs
# it where there is none for this machine, or the package index does not answer.
install_plugin() {
  if [ -n "${APUS_PJRT_CPU:-}${APUS_PJRT_PLUGIN:-}" ]; then return 0; fi
  plugins=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/apus/pjrt
  plugin=$plugins/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so
  if [ ! -e "$plugin" ]; then
    say "installing a plugin of XLA for the tests with pip: lammps-jax-pjrt-cpu"
    python3 -m pip install --quiet --no-deps --only-binary :all: --target "$plugins" \
      lammps-jax-pjrt-cpu==0.11.2 >&2 </dev/null || true
  fi
  if [ -e "$plugin" ]; then
    export APUS_PJRT_CPU="$plugin"
  else
    say "it could not be installed: tests of XLA are skipped"
  fi
}
