#!/bin/bash
# Run tests/bluez on real BlueZ: bluetoothd, D-Bus and a Linux kernel in an emulated machine that sees this
# machine's files (read-only, with an overlay), so that it runs this very checkout and its .venv.
#
#   tests/bluez/vm/run.sh [--optional] [pytest arguments]
#
# --optional: where something is missing, say so in one line and end with 0 (for CI) instead of 1.
# KERNEL=DIR takes the kernel in DIR (boot/vmlinuz-*, lib/modules/*) instead of Debian's; ACCEL=kvm may be
# faster than the default, tcg, where it works; TIME_LIMIT is in seconds. GUEST=FILE runs that in the guest, not
# guest.sh. Nothing here needs root but the
# installing of QEMU: the guest's packages that this machine lacks are unpacked in the user's cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/healthslm/bluez-vm
debs=$cache/debs
tools=$cache/tools     # what this machine lacks of the guest's programs, unpacked; laid over / in the guest
optional=0
[ "${1:-}" = --optional ] && { optional=1; shift; }

missing() { # what is missing, and how to get it
	echo "test-bluez not run: $1" >&2
	[ "$optional" = 1 ] && exit 0
	exit 1
}

has() { [ -x "$1" ] || [ -x "$tools$1" ]; }

download() { # PACKAGE... : into the cache, without root
	mkdir -p "$debs"
	(cd "$debs" && apt-get download -qq "$@" 2>"$cache/apt.log") || missing \
		"$* cannot be downloaded ($(tail -n 1 "$cache/apt.log")); try \`sudo apt-get update\`, or install it."
}

[ "$(uname -sm)" = "Linux x86_64" ] || missing "it needs an x86-64 Linux, this is $(uname -sm)."
[ -x "$checkout/.venv/bin/python" ] || missing "there is no .venv; run \`make install\`."
qemu=$(command -v qemu-system-x86_64) || missing \
	"qemu-system-x86_64 is missing; on Debian: sudo apt-get install --no-install-recommends qemu-system-x86"
command -v apt-get >/dev/null || [ -n "${KERNEL:-}" ] || missing \
	"the kernel and BlueZ come from Debian's packages, and there is no apt-get here; name a kernel: KERNEL=DIR"

# Busybox, D-Bus and BlueZ for the guest: this machine's own, else unpacked beside.
for pair in /usr/bin/busybox:busybox-static /usr/bin/dbus-daemon:dbus \
	/usr/libexec/bluetooth/bluetoothd:bluez; do
	has "${pair%%:*}" && continue
	command -v apt-get >/dev/null || missing "${pair##*:} is missing; install it."
	# What installing would pull in, without installing it.
	wanted=$(apt-get -s -qq --no-install-recommends install "${pair##*:}" | awk '$1 == "Inst" { print $2 }') || missing \
		"apt-get knows no ${pair##*:}; run \`sudo apt-get update\`, or install it."
	# shellcheck disable=SC2086  # one word a package
	download ${wanted:-${pair##*:}}
	for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$tools"; done
	for old in bin sbin lib; do # packages from before /usr was merged
		[ -d "$tools/$old" ] || continue
		mkdir -p "$tools/usr/$old"
		cp -a "$tools/$old/." "$tools/usr/$old/"
		rm -r "${tools:?}/$old"
	done
	rm -f "$debs"/*.deb
	has "${pair%%:*}" || missing "${pair%%:*} is not in the package ${pair##*:}."
done
busybox=/usr/bin/busybox
[ -x "$busybox" ] || busybox=$tools$busybox
case $("$busybox" --list) in
*depmod*) ;;
*) missing "$busybox has no depmod; on Debian: sudo apt-get install busybox-static" ;;
esac

# A kernel with a virtual HCI: Debian's generic one. Its cloud kernel has none.
kernel=${KERNEL:-}
if [ -z "$kernel" ]; then
	package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }')
	if [ -n "$package" ]; then kernel=$cache/$package; else kernel=$(ls -d "$cache"/linux-image-* 2>/dev/null | tail -n 1); fi
	[ -n "$kernel" ] || missing "the package linux-image-amd64 is not known here; run \`sudo apt-get update\`."
	if ! [ -f "$kernel/unpacked" ]; then
		echo "Downloading $package, once, to $cache ..." >&2
		download "$package"
		rm -rf "$kernel"
		dpkg-deb -x "$debs/$package"_*.deb "$kernel"
		rm -f "$debs"/*.deb
		version=$(basename "$kernel"/lib/modules/*)
		"$busybox" depmod -b "$kernel" "$version"
		touch "$kernel/unpacked"
	fi
fi
version=$(basename "$kernel"/lib/modules/*)
vmlinuz=$kernel/boot/vmlinuz-$version
[ -n "$(find "$kernel/lib/modules/$version" -name 'hci_vhci.ko*')" ] && [ -r "$vmlinuz" ] || missing \
	"the kernel in $kernel has no hci_vhci; Debian's linux-image-amd64 has one."

share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
"$here/initrd.sh" "$busybox" "$kernel" "$share/initrd"
cp "${GUEST:-$here/guest.sh}" "$share/guest.sh"
printf '%s\n' "$kernel" > "$share/kernel"
printf '%s\n' "$tools" > "$share/tools"
printf '%s\n' "$checkout" > "$share/checkout"
printf '%s' "${*@Q}" > "$share/arguments"  # each quoted, to be read back; none is none, not an empty one
: > "$share/output"

nice timeout "${TIME_LIMIT:-600}" "$qemu" -M q35 -accel "${ACCEL:-tcg,thread=multi}" -cpu max -m 1024 -smp 1 \
	-display none -no-reboot -nic none -serial "file:$share/console" -kernel "$vmlinuz" -initrd "$share/initrd" \
	-append "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable random.trust_cpu=on" \
	-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=host,mount_tag=host \
	-fsdev "local,id=share,path=$share,security_model=none" \
	-device virtio-9p-pci,fsdev=share,mount_tag=share &
machine=$!
tail -n +1 -f --pid="$machine" "$share/output" &
reader=$!
status=0
wait "$machine" || status=$?
wait "$reader"
if ! [ -s "$share/status" ]; then
	echo "The emulated machine ended ($status) before the tests did. Its console:" >&2
	tail -n 30 "$share/console" >&2
	exit 125
fi
status=$(cat "$share/status")
if [ "$status" != 0 ] && [ -f "$share/bluetoothd.log" ]; then
	echo "--- bluetoothd" >&2
	tail -n 60 "$share/bluetoothd.log" >&2
fi
exit "$status"
