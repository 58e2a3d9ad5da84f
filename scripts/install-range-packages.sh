#!/bin/sh
# Install the real security tools that tests/range drives. Bigger than what `make test` needs, so only `make range` asks for them.
set -eu
here=$(dirname "$0")
. "$here/apt.sh"

# Debian 12's own archive has no Suricata; its backports do. The mirror is the one that this machine uses already.
add_backports() {
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  [ "$release" = bookworm ] || return 0
  apt-get indextargets --format '$(SUITE) $(CODENAME)' 2>/dev/null | grep -q "$release-backports" && return 0
  mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 2>/dev/null | awk -v r="$release" '$1 == r && !seen++ {print $2}')
  [ -n "$mirror" ] || return 0
  echo "deb $mirror $release-backports main" >/etc/apt/sources.list.d/tocsin-backports.list
}

install_suricata() {
  have suricata && return 0
  add_backports
  timeout 300 apt-get update $apt_options </dev/null >/dev/null 2>&1 || true
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")-backports
  apt_install -t "$suite" suricata || apt_install suricata || echo "system packages: no suricata; its tests skip"
}

# CrowdSec's installer registers with its makers' server and fails where that cannot be reached, unless it finds credentials.
spare_crowdsec_registration() {
  have cscli && return 0
  mkdir -p /etc/crowdsec
  [ -s /etc/crowdsec/online_api_credentials.yaml ] || echo "# not registered" >/etc/crowdsec/online_api_credentials.yaml
}

if [ "$(id -u)" = 0 ] && have apt-get; then
  forbid_service_starts
  install_suricata
  spare_crowdsec_registration
fi
install_missing "range" nft:nftables ip:iproute2 sshd:openssh-server ssh:openssh-client dovecot:dovecot-imapd curl:curl \
  suricata:suricata crowdsec:crowdsec
