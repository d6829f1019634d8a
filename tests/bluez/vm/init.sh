#!/bin/busybox sh
# The guest's first process: mount the host's files with a writable layer in memory above them, and go there.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for module in $($b cat /modules/order); do
	$b insmod "/modules/$module" || $b echo "insmod $module failed"
done
options=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o $options,ro,cache=loose host /lower || exec $b poweroff -f
$b mount -t tmpfs upper /upper
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new || exec $b poweroff -f
$b mkdir -p /new/mnt /new/proc /new/sys /new/dev
$b mount -t 9p -o $options share /new/mnt
for mounted in proc sys dev; do $b mount --move /$mounted /new/$mounted; done
exec $b switch_root /new /mnt/guest.sh
