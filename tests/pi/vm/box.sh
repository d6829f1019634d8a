#!/bin/bash
# In the guest, under systemd: a box from nothing. Installed, set up, started, watched, taken off again.
set -uo pipefail
checkout=$(cat /mnt/checkout)
built=$(cat /mnt/arguments)
eval "built=$built"
up=     # set once the box is at work
failed=0
say() { echo "[$(cut -d' ' -f1 /proc/uptime) s] $*"; }
end() { say "$1"; cat /tmp/air; systemctl status --no-pager --lines=40 healthslm healthslm-companion bluetooth; echo 1 > /mnt/status; exit 1; }
check() { # WHAT COMMAND...
	local what=$1
	shift
	"$@" > /tmp/said 2>&1 && { say "ok: $what"; return; }
	cat /tmp/said
	[ -z "$up" ] && end "FAILED: $what"
	say "FAILED: $what" # what comes after is worth knowing all the same
	failed=1
}
contains() { grep -q -- "$1" "$2" || { cat "$2"; return 1; }; }
cd "$checkout" || exit 1
say "$(systemctl --version | head -n 1), Linux $(uname -r)"

# The version was built before, with Debian's own Python, since there is no network in here.
mount --bind "$built/opt" /opt # not its folder healthslm, which could not be deleted then
rm -f /opt/healthslm/current
for script in /opt/healthslm/*/bin/healthslm; do
	sed -i "1s|.*|#!${script%/*}/python|" "$script"
done

.venv/bin/python -m device.virtual --vhci device/virtual/scenarios/home.toml > /tmp/air 2>&1 &
check "the adapter is there" timeout 300 bash -c 'until [ -d /sys/class/bluetooth/hci0 ]; do sleep 0.2; done'
check "BlueZ runs" systemctl start bluetooth
check "installed" device/pi/install.sh --without-model
check "BlueZ took the settings" bash -c '! journalctl -u bluetooth | grep -i -E "unknown|invalid|parsing"'
check "a second time changes nothing" bash -c 'device/pi/install.sh --without-model | grep "Nothing to change"'
echo "correct horse battery" > /root/passphrase
chmod 600 /root/passphrase
command=/usr/local/bin/healthslm
check "the store is made" bash -c "$command --passphrase-fd 3 init --recovery-file /var/lib/healthslm/words 3</root/passphrase"
addresses=$(sed -n 's/^address = "\(.*\)"/\1/p' device/virtual/scenarios/home.toml | head -n 2)
check "devices are found by the user of the service" bash -c "$command devices scan --seconds 20 2>&1 | grep -i $(echo "$addresses" | head -n 1)"
for address in $addresses; do
	check "$address is added" bash -c "$command --passphrase-fd 3 devices add $address --no-pair --name Annas-$RANDOM 3</root/passphrase"
done
locked="until systemctl show -p StatusText --value healthslm | grep -q '^Locked'; do sleep 1; done"
check "it starts locked" systemctl start healthslm
check "and says that it waits" timeout 300 bash -c "$locked"
check "it is unlocked" bash -c "$command --passphrase-fd 3 unlock 3</root/passphrase"
check "it listens" timeout 900 bash -c "until systemctl show -p StatusText --value healthslm | grep -q '^Listening'; do sleep 1; done"
check "it is locked by hand" $command lock
check "another one waits in its place" timeout 300 bash -c "$locked"
systemctl show -p NRestarts,StatusText healthslm | paste -sd' '
check "and unlocked again" bash -c "$command --passphrase-fd 3 unlock 3</root/passphrase"
check "unattended" device/pi/install.sh --unattended --yes --passphrase-file /root/passphrase
say "ready after $(systemd-analyze --no-pager blame 2>/dev/null | grep healthslm.service || systemctl show -p ActiveEnterTimestampMonotonic healthslm)"
check "it is ready" systemctl is-active healthslm
up=1
systemctl show -p Type,StatusText,MainPID,WatchdogUSec,MemoryCurrent healthslm | paste -sd' '
check "readings come in" timeout 900 bash -c "until $command --passphrase-fd 3 doctor 3</root/passphrase | grep -E '[1-9][0-9,]* readings'; do sleep 3; done"
check "the page starts too" systemctl start healthslm-companion
check "the page answers" bash -c 'curl -sk --max-time 120 https://127.0.0.1:8443/ | grep -qi "<html"'
systemctl show -p StatusText,MemoryCurrent healthslm-companion | paste -sd' '
pid=$(systemctl show -p MainPID --value healthslm)
grep -E 'NoNewPrivs|Seccomp:|CapBnd' "/proc/$pid/status" | paste -sd' '
say "threat: $(systemd-analyze security --no-pager healthslm | tail -n 1); page: $(systemd-analyze security --no-pager healthslm-companion | tail -n 1)"
check "the credential is the service's alone" bash -c '! runuser -u nobody -- cat /run/credentials/healthslm.service/healthslm'
stat -c 'credential: mode %a of %U on '"$(stat -f -c %T /run/credentials/healthslm.service)" /run/credentials/healthslm.service/healthslm

# A loop that hangs: with a watchdog that does not let us wait three minutes.
mkdir -p /run/systemd/system/healthslm.service.d
printf '[Service]\nWatchdogSec=60\nRestartSec=1\n' > /run/systemd/system/healthslm.service.d/soon.conf
systemctl daemon-reload
systemctl restart healthslm || end "FAILED: restart"
pid=$(systemctl show -p MainPID --value healthslm)
kill -STOP "$pid"
check "what hangs is started again" timeout 900 bash -c \
	"until [ \$(systemctl show -p NRestarts --value healthslm) -ge 1 ] && systemctl is-active --quiet healthslm && [ \$(systemctl show -p MainPID --value healthslm) != $pid ]; do sleep 1; done"
systemctl show -p Result,NRestarts,StatusText healthslm | paste -sd' '

# A new version that cannot start: the old one is back.
old=$(readlink /opt/healthslm/current)
mkdir /opt/healthslm/9.9-broken
cp -a /opt/healthslm/"$old"/pi /opt/healthslm/9.9-broken/
mkdir /opt/healthslm/9.9-broken/bin
printf '#!/bin/sh\nexit 1\n' > /opt/healthslm/9.9-broken/bin/healthslm
# It has no Python to be asked whether it changes the tables, so the store is copied, and put back.
chmod +x /opt/healthslm/9.9-broken/bin/healthslm
touch /opt/healthslm/9.9-broken/complete
sed 's/^version=.*/version=9.9-broken/' device/pi/install.sh > device/pi/install-broken.sh
bash device/pi/install-broken.sh --without-model > /tmp/upgrade 2>&1 && end "FAILED: a broken version was taken"
check "a broken version is taken back" contains "$old is at work again" /tmp/upgrade
check "on the store as it was" contains "The store is as it was before" /tmp/upgrade
check "and the old one is at work" systemctl is-active healthslm healthslm-companion

check "healthslm has a journal" bash -c 'journalctl --no-pager -o cat --namespace=healthslm > /mnt/journal && [ -s /mnt/journal ] ||
	{ df -h / /mnt; ls -lR /var/log/journal /run/log/journal; journalctl --no-pager | grep -i journald | tail; exit 1; }'
check "no name and no value in it" bash -c '! grep -i -E "annas|bpm|mmHg|heart rate|saturation" /mnt/journal'
journalctl --no-pager -o cat --namespace=healthslm | sort | uniq -c | sort -rn | head -n 12
check "attended again" device/pi/install.sh --attended
check "taken off, the data stays" bash -c 'device/pi/install.sh --uninstall < /dev/null && [ -e /var/lib/healthslm/store/keys.json ]'
check "nothing of it is left but the data" bash -c '[ ! -e /etc/healthslm ] && [ ! -e /usr/local/bin/healthslm ] && ! systemctl cat healthslm && ! grep healthslm /etc/bluetooth/main.conf'
check "purged" device/pi/install.sh --uninstall --purge
check "the data and the user are gone" bash -c '[ ! -e /var/lib/healthslm ] && ! id healthslm'
[ "$failed" = 0 ] && say "the box does what it should"
echo "$failed" > /mnt/status
