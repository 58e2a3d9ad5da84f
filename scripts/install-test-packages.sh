#!/bin/sh
# Install the system programs that some tests drive for real. Whatever cannot be had makes its tests skip, with the reason.
set -eu
here=$(dirname "$0")
. "$here/apt.sh"

# program:package
need="nft:nftables ip:iproute2 sshd:openssh-server ssh:openssh-client dovecot:dovecot-imapd bwrap:bubblewrap git:git"

install_missing "test" $need
