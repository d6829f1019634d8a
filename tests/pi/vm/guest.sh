#!/bin/bash
# In the guest: what a machine needs before systemd can be its first process; then systemd, which runs box.sh.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
say() { echo "[$(cut -d' ' -f1 /proc/uptime) s] $*" >> /mnt/output; }

tools=$(cat /mnt/tools)
[ -d "$tools" ] && cp -a "$tools/." /
rm -rf /lib/modules
ln -s "$(cat /mnt/kernel)/lib/modules" /lib/modules
printf '#!/bin/sh\nexec busybox modprobe "$@"\n' > /usr/local/bin/guest-modprobe
chmod +x /usr/local/bin/guest-modprobe
echo /usr/local/bin/guest-modprobe > /proc/sys/kernel/modprobe
for module in bluetooth hci_vhci algif_hash algif_skcipher cmac ecb drbg; do
	busybox modprobe -q "$module"
done
[ -e /dev/vhci ] || { say "no /dev/vhci"; echo 125 > /mnt/status; busybox poweroff -f; }

# The host's files as a machine of its own: nothing of what it runs, no bond and no user of its healthslm.
rm -f /etc/machine-id /etc/fstab /.dockerenv
systemd-machine-id-setup > /dev/null 2>&1
find /etc/systemd/system /lib/systemd/system -maxdepth 1 -name '*.wants' -path '/etc/*' -exec rm -rf {} +
mount -t tmpfs bonds /var/lib/bluetooth
echo guest > /etc/hostname
cat > /etc/systemd/system/box.target <<'END'
[Unit]
Requires=basic.target dbus.service box.service
After=basic.target dbus.service
AllowIsolate=yes
END
cat > /etc/systemd/system/box.service <<END
[Unit]
Requires=dbus.service
After=basic.target dbus.service
[Service]
Type=oneshot
ExecStart=/bin/bash $(cat /mnt/checkout)/tests/pi/vm/box.sh
ExecStopPost=/bin/sh -c '[ -s /mnt/status ] || echo 1 > /mnt/status; sync; busybox poweroff -f'
StandardOutput=append:/mnt/output
StandardError=append:/mnt/output
TimeoutStartSec=infinity
END
say "starting systemd"
exec /lib/systemd/systemd --unit=box.target --log-target=kmsg --show-status=false
