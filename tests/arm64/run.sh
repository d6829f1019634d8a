#!/bin/bash
# Install this checkout on 64-bit Arm, from wheels only, run the demo's day there, and then the tests: in a Debian
# arm64 root whose programs are run by QEMU's user-mode emulation. This machine's kernel serves their system calls.
#
#   tests/arm64/run.sh [--optional] [--only install|demo|COMMAND] [pytest arguments]
#
# --optional: where something is missing, say so in one line and end with 0 (for CI) instead of 1.
# --only: end after the installing, or after the demo's day; or run one command line in the root, and nothing else.
# SUITE=trixie takes Debian 13 (Python 3.13) instead of bookworm (3.11); MIRROR is where Debian's packages come from;
# QEMU is a statically linked qemu-aarch64, 10.0 or newer, if this machine's is older and Debian's is not wanted.
# The root is made once, in the user's cache (2.5 GB with what is installed); to begin anew, delete its folder.
# Needs root, for chroot and mounts; these are in a namespace of their own, so nothing stays mounted.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
suite=${SUITE:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/healthslm/arm64
root=$cache/$suite
binfmt=/proc/sys/fs/binfmt_misc
optional=0
only=
[ "${1:-}" = --optional ] && { optional=1; shift; }
[ "${1:-}" = --only ] && { only=${2:?--only what?}; shift 2; }

missing() { # what is missing, and how to get it
	echo "test-arm64 not run: $1" >&2
	[ "$optional" = 1 ] && exit 0
	exit 1
}

[ "$(uname -s)" = Linux ] || missing "it needs a Linux, this is $(uname -s)."
case $(uname -m) in
aarch64 | arm64) missing "this machine is itself 64-bit Arm; run \`make demo test\`." ;;
esac
[ "$(id -u)" = 0 ] || missing "it needs root, for chroot and mounts; run it with sudo."
for program in debootstrap unshare flock git tar; do
	command -v "$program" >/dev/null || missing "$program is missing; on Debian: sudo apt-get install $program"
done
git -C "$checkout" rev-parse --is-inside-work-tree >/dev/null 2>&1 || missing \
	"$checkout is no git checkout: which files belong to it is not known."

mkdir -p "$cache"
exec 9> "$cache/lock"
flock --nonblock 9 || missing "another run is at work in $cache."

# QEMU 7.2 (Debian 12's own) crashes, or stands still, where onnxruntime is loaded; 10.0 does not.
version_of() { "$1" --version 2>/dev/null | sed -n '1s/.*version \([0-9]*\).*/\1/p'; }
own=$cache/qemu/usr/bin/qemu-aarch64
qemu=
for found in "${QEMU:-}" "$(command -v qemu-aarch64-static || true)" "$own"; do
	[ -n "$found" ] && [ -x "$found" ] && [ "$(version_of "$found")" -ge 10 ] && { qemu=$found; break; }
done
if [ -z "$qemu" ]; then
	[ -x /usr/bin/apt-get ] || missing \
		"it needs QEMU 10 or newer, statically linked; name it: QEMU=/path/to/qemu-aarch64-static"
	echo "Downloading QEMU from Debian 13, once, to $cache (70 MB) ..." >&2
	rm -rf "$cache/apt"
	mkdir -p "$cache/apt/lists/partial"
	echo "deb $mirror trixie main" > "$cache/apt/sources.list"
	apt=(apt-get -qq -o "Dir::Etc::sourcelist=$cache/apt/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$cache/apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
		-o APT::Sandbox::User=root)
	("${apt[@]}" update && cd "$cache/apt" && "${apt[@]}" download qemu-user) > "$cache/apt.log" 2>&1 || missing \
		"QEMU cannot be downloaded ($(tail -n 1 "$cache/apt.log")); name one: QEMU=/path/to/qemu-aarch64-static"
	dpkg-deb -x "$cache/apt"/qemu-user_*.deb "$cache/qemu"
	find "$cache/qemu" -type f ! -name qemu-aarch64 -delete
	rm -rf "$cache/apt"
	qemu=$own
fi

# The kernel hands Arm programs to this QEMU until the end; of two that are registered, the newer is asked.
# F: it holds the interpreter open, so the root needs none of its own. P: a program's own name (argv[0]) is kept.
[ -e "$binfmt/register" ] || mount -t binfmt_misc binfmt_misc "$binfmt" 2>/dev/null || missing \
	"this kernel has no binfmt_misc, so it cannot run Arm programs by QEMU."
entry=$binfmt/healthslm-aarch64
forget() { if [ -e "$entry" ]; then echo -1 > "$entry"; fi; }
forget # one that a killed run left
trap forget EXIT
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
# printf's own %s: the kernel reads the escapes itself.
printf '%s' ":healthslm-aarch64:M::$magic:$mask:$qemu:OPF" > "$binfmt/register"

if ! [ -d "$root" ]; then
	echo "Making a Debian $suite for arm64, once, in $root (about 10 minutes) ..." >&2
	rm -rf "$root.new"
	packages=python3,python3-venv,ca-certificates,make,unzip
	{
		nice debootstrap --arch=arm64 --foreign --variant=minbase --include="$packages" "$suite" "$root.new" "$mirror"
		nice unshare --mount --pid --fork chroot "$root.new" /debootstrap/debootstrap --second-stage
	} > "$cache/debootstrap.log" 2>&1 || missing \
		"debootstrap failed ($(tail -n 1 "$cache/debootstrap.log")); its words are in $cache/debootstrap.log."
	rm -rf "$root.new/var/cache/apt/archives"/*.deb
	mv "$root.new" "$root"
fi

# This checkout, uncommitted changes too; its .venv there is Arm's own and stays.
mkdir -p "$root/healthslm"
find "$root/healthslm" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
(cd "$checkout" && git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
	if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar --null --files-from=- --create --file=-) | tar --extract --directory="$root/healthslm"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
rm -rf "${root:?}/tmp"/*

# What this machine's pip is told (PIP_*, its files of settings, what these name) it is told in the root too.
told=()
while IFS= read -r path; do
	if [ -e "$path" ]; then told+=("$path"); fi
done < <(printf '%s\n' /etc/pip.conf /etc/xdg/pip "$HOME/.config/pip" "$HOME/.pip"
	# An index in a folder has its files beside it.
	python3 -m pip config list 2>/dev/null | grep -oE "/[^ ']+" | sed 's,^//*,/,; s,/simple/*$,,' | sort -u)
settings=()
while IFS= read -r line; do settings+=("$line"); done < <(env | grep -E '^PIP_' || true)

enter() { # COMMAND...: run it in the root, in namespaces of its own; all it started ends with it
	# shellcheck disable=SC2016  # the inner shell's own arguments
	nice unshare --mount --pid --fork --kill-child bash -euc '
		root=$1; shift
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		while [ "$1" != -- ]; do
			if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root$(dirname "$1")"; fi
			[ -e "$root$1" ] || touch "$root$1"
			mount --bind -o ro "$1" "$root$1"
			shift
		done
		shift
		exec chroot "$root" "$@"' enter "$root" "${told[@]}" -- \
		/usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM="${TERM:-dumb}" \
		HEALTHSLM_EMULATED=1 "${settings[@]}" /bin/bash -c 'cd /healthslm && exec "$@"' in-root "$@"
}

timed() { # WHAT COMMAND...: in the root, and say how long it took
	local what=$1 began=$SECONDS
	shift
	enter "$@" || { echo "test-arm64: $what failed on $suite." >&2; exit 1; }
	echo "test-arm64: $what took $((SECONDS - began)) s (emulated, $suite)" >&2
}

case $only in
"" | install | demo) ;;
*) enter bash -c "$only"; exit ;;
esac
timed "installing, wheels only," make install
[ "$only" = install ] && exit 0
timed "building the model" make model
timed "the demo's day" make demo
[ "$only" = demo ] && exit 0
# Emulated, a test takes ten to thirty times as long.
timed "the tests" .venv/bin/python -m pytest -n "${JOBS:-2}" --dist loadfile --timeout 3600 -p no:cacheprovider \
	-m "not speed" "$@"
