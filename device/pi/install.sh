#!/bin/bash
# Installs healthslm on Raspberry Pi OS (64-bit) or another Debian, brings it up to date, or takes it off again.
# docs/box.md tells of it. Run a second time it changes nothing, and says so.
set -euo pipefail
shopt -s inherit_errexit
umask 022

usage() {
	cat <<'END'
sudo device/pi/install.sh [--wheel FILE] [--without-model]    install, or bring up to date
sudo device/pi/install.sh --unattended [--passphrase-file FILE] [--yes]    start without anybody there
sudo device/pi/install.sh --attended      no longer start without anybody there
sudo device/pi/install.sh --uninstall [--purge]    take it off; --purge: and all that was measured

  --wheel FILE      this wheel of healthslm; else the checkout that this script lies in
  --lock FILE       its packages, with their hashes; else requirements.lock beside this script
  --python FILE     the Python to use, 3.11 or newer; else /usr/bin/python3
  --without-model   leave the language model out: the texts are then the template's
  --root DIR        everything under this folder instead of /, and no Debian packages (for tests)
END
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
root='' wheel='' lock=$here/requirements.lock python=/usr/bin/python3 model=1
task=install purge=0 yes=0 passphrase_file=''
while [ $# -gt 0 ]; do
	case $1 in
	--wheel | --lock | --python | --root | --passphrase-file)
		[ $# -gt 1 ] || { echo "install.sh: $1 needs a file or folder after it." >&2; exit 2; }
		case $1 in
		--wheel) wheel=$2 ;;
		--lock) lock=$2 ;;
		--python) python=$2 ;;
		--root) root=$(realpath -e "$2") ;;
		--passphrase-file) passphrase_file=$2 ;;
		esac
		shift
		;;
	--without-model) model=0 ;;
	--unattended) task=unattended ;;
	--attended) task=attended ;;
	--uninstall) task=uninstall ;;
	--purge) purge=1 ;;
	--yes) yes=1 ;;
	-h | --help) usage; exit 0 ;;
	*) echo "install.sh: $1 is not known here." >&2; usage >&2; exit 2 ;;
	esac
	shift
done

user=healthslm
opt=$root/opt/healthslm
data=$root/var/lib/healthslm
etc=$root/etc/healthslm
units=$root/etc/systemd/system
command=$root/usr/local/bin/healthslm
services=(healthslm.service healthslm-companion.service)
# shellcheck source=parts/common.sh
. "$here/parts/common.sh"
# shellcheck source=parts/bluez.sh
. "$here/parts/bluez.sh"
# shellcheck source=parts/version.sh
. "$here/parts/version.sh"
# shellcheck source=parts/upgrade.sh
. "$here/parts/upgrade.sh"
# shellcheck source=parts/unattended.sh
. "$here/parts/unattended.sh"
# shellcheck source=parts/uninstall.sh
. "$here/parts/uninstall.sh"

[ "$(id -u)" = 0 ] || fail "This changes the system, so it has to be root." "Say: sudo $0"
case $task in
unattended) start_unattended; exit 0 ;;
attended) start_attended; exit 0 ;;
uninstall) uninstall; exit 0 ;;
esac

check_machine
[ -n "$root" ] || install_packages bluez dbus python3-venv
check_python
version=$(version_wanted)
make_user
keep_bluez_settings "$here/bluez.conf" "$root/etc/bluetooth/main.conf"
put 644 "$here/journald@healthslm.conf" "$root/etc/systemd/journald@healthslm.conf"
build_version "$version"
switch_to "$version"
put 755 "$here/healthslm" "$command"
[ "$model" = 0 ] || build_model

if [ "$changed" = 0 ]; then
	say "Nothing to change: healthslm $version is installed."
else
	say "healthslm $version is installed."
fi
if ! [ -e "$data/store/keys.json" ]; then
	say "Next: sudo healthslm init"
elif ! is_active healthslm.service; then
	forget_failures healthslm.service
	say "Next: sudo systemctl start healthslm"
fi
