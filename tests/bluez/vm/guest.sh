#!/bin/bash
# In the guest: bluetoothd on D-Bus and a virtual HCI, then the tests. What they say goes back in /mnt.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
end() { echo "$1" > /mnt/status; sync; busybox poweroff -f; }
say() { echo "[$(cut -d' ' -f1 /proc/uptime) s] $*" >> /mnt/output; }

tools=$(cat /mnt/tools)
[ -d "$tools" ] && cp -a "$tools/." /
mkdir -p /dev/shm /dev/pts /run
mount -t tmpfs run /run
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
mkdir -p /run/dbus /run/lock /var/lib/bluetooth
mount -t tmpfs bonds /var/lib/bluetooth  # no bond of the host's is seen, none is kept
busybox ip link set lo up
hostname guest

rm -rf /lib/modules
ln -s "$(cat /mnt/kernel)/lib/modules" /lib/modules
# The kernel loads by itself what pairing takes (drbg, among others), through this machine's busybox: its own
# modprobe may not read the tables that busybox wrote.
printf '#!/bin/sh\nexec busybox modprobe "$@"\n' > /run/modprobe
chmod +x /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
# bluetoothd's cryptography is the kernel's; without it there is no adapter.
for module in bluetooth hci_vhci algif_hash algif_skcipher cmac ecb drbg; do
	busybox modprobe -q "$module"
done
[ -e /dev/vhci ] || { say "no /dev/vhci"; end 125; }
dbus-daemon --system --fork || { say "no D-Bus"; end 125; }
# As systemd does: one that crashes is started again.
(while true; do
	/usr/libexec/bluetooth/bluetoothd -n >> /mnt/bluetoothd.log 2>&1
	echo "bluetoothd ended with $?" | tee -a /mnt/bluetoothd.log >> /mnt/output
	sleep 1
done) &
for _ in $(seq 100); do
	dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
		string:org.bluez 2>/dev/null | grep -q true && break
	sleep 0.1
done
say "bluetoothd $(/usr/libexec/bluetooth/bluetoothd --version) on Linux $(uname -r)"
cd "$(cat /mnt/checkout)" || end 125
eval "arguments=($(cat /mnt/arguments))"
.venv/bin/python -m pytest tests/bluez --bluez -p no:cacheprovider -p no:xdist -p no:hypothesispytest "${arguments[@]}" >> /mnt/output 2>&1
status=$?
say "done"
end "$status"
