# Shared by the install scripts: `install_missing WHAT program:package...`. Quiet, bounded in time, never fails the caller.

export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"
apt_options="-qq -o DPkg::Lock::Timeout=180 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Dpkg::Use-Pty=0"

have() { command -v "$1" >/dev/null 2>&1; }

missing_packages() {
  for pair in "$@"; do
    have "${pair%%:*}" || printf '%s ' "${pair#*:}"
  done
}

# Debian starts a daemon when its package is installed; the tests start their own, on their own ports.
forbid_service_starts() {
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
  fi
}

apt_install() {
  timeout 600 apt-get install $apt_options -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1
}

install_missing() {
  what=$1
  shift
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then
    echo "system packages: all there"
    return 0
  fi
  if [ "$(id -u)" != 0 ] || ! have apt-get; then
    echo "system packages: the $what programs of ${missing}are missing and only root can install them with apt; their tests skip"
    return 0
  fi
  echo "system packages: installing $missing"
  forbid_service_starts
  timeout 300 apt-get update $apt_options </dev/null >/dev/null 2>&1 || echo "system packages: apt-get update failed; trying with the lists at hand"
  # One missing package must not cost the others.
  apt_install $missing || for package in $missing; do
    apt_install "$package" || echo "system packages: no $package; its tests skip"
  done
}
