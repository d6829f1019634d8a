#!/bin/bash
# A whole box in an emulated machine: systemd, BlueZ with a virtual radio, install.sh and the units, as root.
# Takes what tests/bluez/vm/run.sh takes, and a Debian with systemd, bluez and python3-venv. It is slow: on two busy
# cores, emulated, the service was ready after 40 minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../../.." && pwd)
built=${XDG_CACHE_HOME:-$HOME/.cache}/healthslm/box
if [ "${1:-}" = --optional ]; then optional=(--optional); else optional=(); fi
for needed in /lib/systemd/systemd /usr/libexec/bluetooth/bluetoothd /usr/bin/python3; do
	[ -x "$needed" ] && continue
	echo "test-box not run: $needed is missing; on Debian: apt install systemd bluez python3-venv" >&2
	[ ${#optional[@]} -gt 0 ] && exit 0
	exit 1
done
# There is no network in the machine, so its version is built here, with Debian's own Python.
mkdir -p "$built/etc"
printf 'root:x:0:0:root:/root:/bin/sh\n' > "$built/etc/passwd"
printf 'root:x:0:\nbluetooth:x:110:\n' > "$built/etc/group"
printf 'root:*:1::::::\n' > "$built/etc/shadow"
"$checkout/device/pi/install.sh" --root "$built" --without-model
TIME_LIMIT=${TIME_LIMIT:-5400} GUEST=$here/guest.sh exec "$checkout/tests/bluez/vm/run.sh" "${optional[@]}" "$built"
