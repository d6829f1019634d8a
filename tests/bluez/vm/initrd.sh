#!/bin/bash
# initrd.sh BUSYBOX KERNEL OUT: busybox and the modules that it takes to mount this machine's files.
set -euo pipefail
busybox=$1 kernel=$2 out=$3
version=$(basename "$kernel"/lib/modules/*)
modules=$kernel/lib/modules/$version
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir -p "$made"/{bin,modules,proc,sys,dev,lower,upper,new}
cp "$busybox" "$made/bin/busybox"
cp "$(dirname "$0")/init.sh" "$made/init"

with() { # MODULE: what it needs, then itself, each once, in the order to load them in
	local line path
	line=$(grep -E "/$1\.ko[.a-z]*:" "$modules/modules.dep") || return 0  # built in
	for path in $(printf '%s\n' ${line#*:} | tac) "${line%%:*}"; do
		[ -f "$made/modules/$(basename "$path")" ] && continue
		cp "$modules/$path" "$made/modules/"
		basename "$path" >> "$made/modules/order"
	done
}
: > "$made/modules/order"
for module in virtio_pci 9pnet_virtio 9p overlay; do with "$module"; done
(cd "$made" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) > "$out"
