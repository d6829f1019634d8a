#!/bin/bash
# Live in 512 MB: the model is built, the demo's day runs, a dense day is collected and put into words by the
# model, and the collecting process listens to virtual wearables; each in a control group that has so much and no
# swap. For each: the most the group held, with the pages of files (which the kernel takes back when it needs
# them), and the most of it that cannot be given back.
#
#   tests/boards/512mb.sh [--optional]
#
# --optional: where something is missing, say so in one line and end with 0 (for CI) instead of 1.
# LIMIT_MB=350 takes another limit; COLLECT_S is how long the collecting process is watched (60).
# It needs cgroups: as root with the memory controller of version 1 or 2, or a systemd that runs.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/../.." && pwd)
cd "$checkout"
limit=$((${LIMIT_MB:-512} * 1024 * 1024))
collecting_mb=120  # the most that `healthslm run` may hold, so that the model fits beside it
optional=0
[ "${1:-}" = --optional ] && optional=1

missing() { # what is missing, and how to get it
	echo "test-512mb not run: $1" >&2
	[ "$optional" = 1 ] && exit 0
	exit 1
}

[ -x .venv/bin/healthslm ] || missing "there is no .venv; run \`make install\`."
.venv/bin/healthslm model info >/dev/null 2>&1 || missing "there is no model; run \`make model\`."

# Where groups are made: version 1 or 2 by hand, else by systemd, a scope for each.
version=
parent=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
if [ -n "$parent" ] && [ -w "$parent" ]; then
	version=1
elif parent=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts) && [ -n "$parent" ]; then
	if [ -d /run/systemd/system ]; then
		version=systemd
	elif [ -w "$parent/cgroup.subtree_control" ] && grep -qw memory "$parent/cgroup.subtree_control"; then
		version=2
	fi
fi
[ -n "$version" ] || missing "no control group can be made here; run it as root, or where systemd runs."

work=$(mktemp -d)
started=()
clean() { # also when it is interrupted: nothing goes on, and no group is left
	trap - EXIT
	for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
	if [ "$version" != systemd ]; then # the model's process, too
		cat "$parent/healthslm-512mb-$$"-*/cgroup.procs 2>/dev/null | xargs -r kill 2>/dev/null || true
	fi
	wait
	[ "$version" = systemd ] || rmdir "$parent/healthslm-512mb-$$"-* 2>/dev/null || true
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM
export XDG_STATE_HOME=$work/state
echo "a passphrase of the test" > "$work/passphrase"
healthslm=(.venv/bin/healthslm --home "$work/home" --passphrase-file "$work/passphrase")

group_named() { # NAME: where its group is, or will be
	case $version in
	systemd) systemctl ${systemd_user:+--user} show --property ControlGroup --value "$1.scope" |
		sed -n "s,^/,$parent/,p" ;;
	*) echo "$parent/$1" ;;
	esac
}

[ "$(id -u)" = 0 ] || systemd_user=yes

inside() { # NAME COMMAND...: run it in a new group with the limit and without swap
	local name=$1 group
	shift
	case $version in
	systemd)
		exec systemd-run ${systemd_user:+--user} --quiet --scope --unit "$name" --property MemoryAccounting=yes \
			--property "MemoryMax=$limit" --property MemorySwapMax=0 "$@" ;;
	1)
		group=$(group_named "$name")
		mkdir "$group"
		echo "$limit" > "$group/memory.limit_in_bytes"
		# Memory and swap together: no more than memory alone. A kernel without swap accounting has no such file.
		[ ! -e "$group/memory.memsw.limit_in_bytes" ] || echo "$limit" > "$group/memory.memsw.limit_in_bytes" ;;
	2)
		group=$(group_named "$name")
		mkdir "$group"
		echo "$limit" > "$group/memory.max"
		[ ! -e "$group/memory.swap.max" ] || echo 0 > "$group/memory.swap.max" ;;
	esac
	echo "$BASHPID" > "$group/cgroup.procs"
	exec "$@"
}

look() { # GROUP: how it stands into peak, kept (what cannot be given back) and kills; fails once it is gone
	local name value now
	[ -e "$1/memory.stat" ] || return 1
	if [ -e "$1/memory.max_usage_in_bytes" ]; then
		set -- "$1/memory.max_usage_in_bytes" "$1/memory.stat" "$1/memory.oom_control"
	else
		set -- "$1/memory.peak" "$1/memory.stat" "$1/memory.events"
	fi
	{ read -r now < "$1" && peak=$now; } 2>/dev/null || return 1
	while read -r name value; do
		case $name in
		total_rss | anon) if [ "$value" -gt "$kept" ]; then kept=$value; fi ;; # version 1, version 2
		oom_kill) kills=$value ;;
		esac
	done < <(cat "$2" "$3" 2>/dev/null)
}

# By systemd a group is gone with its last process; so it is looked at while the command runs, too.
watched() { # NAME PROCESS: look at the group until the process ends
	local group=
	peak=0 kept=0 kills=0
	while kill -0 "$2" 2>/dev/null; do
		[ -n "$group" ] || group=$(group_named "$1" 2>/dev/null) || group=
		[ -z "$group" ] || look "$group" || true
		sleep 0.2
	done
	if [ "$version" != systemd ]; then
		look "$group"
		rmdir "$group"
	fi
}

number=0
limited() { # WHAT COMMAND...: under the limit, and say what it took
	local what=$1 began=$SECONDS status=0
	shift
	number=$((number + 1))
	(inside "healthslm-512mb-$$-$number" "$@") &
	local process=$!
	started+=("$process")
	watched "healthslm-512mb-$$-$number" "$process"
	wait "$process" || status=$?
	unset 'started[-1]'
	echo "$what: $((SECONDS - began)) s, at most $((peak / 1000000)) MB, of which $((kept / 1000000)) MB to keep" >&2
	[ "$status" = 0 ] && [ "$kills" = 0 ] && return
	echo "test-512mb: $what failed (status $status, $kills killed for want of memory)." >&2
	exit 1
}

by_the_model() { # FILE: a summary, in JSON; fails where the template had to stand in
	.venv/bin/python -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["origin"] != "model")' "$1" || {
		echo "test-512mb: the words are the template's; the model did not run." >&2
		exit 1
	}
}

limited "building the model" .venv/bin/healthslm model build --to "$work/model"
limited "the demo's day" .venv/bin/healthslm demo --seconds 0 --json --out "$work/demo" > "$work/demo.json"
by_the_model "$work/demo.json"

.venv/bin/python tests/boards/day.py "$work/day.jsonl"
"${healthslm[@]}" init --recovery-file "$work/words" 2>/dev/null
limited "collecting a day" "${healthslm[@]}" run --replay "$work/day.jsonl"
limited "its summary" "${healthslm[@]}" summary --json > "$work/summary.json"
by_the_model "$work/summary.json"

# Wearables that send once a second, from a process outside: they are the air, not the box.
cat > "$work/air.toml" <<'AIR'
seed = 1
speed = 1
[[wearable]]
kind = "strap"
address = "C0:FF:EE:00:00:01"
every = 1
[[wearable]]
kind = "oximeter"
address = "C0:FF:EE:00:00:02"
every = 1
AIR
.venv/bin/python -m device.virtual "$work/air.toml" --socket "$work/air" >/dev/null 2>&1 &
started+=("$!")
"${healthslm[@]}" devices add C0:FF:EE:00:00:01 --no-pair 2>/dev/null
"${healthslm[@]}" devices add C0:FF:EE:00:00:02 --no-pair 2>/dev/null
name=healthslm-512mb-$$-run
(inside "$name" "${healthslm[@]}" run --virtual "$work/air" > "$work/said" 2>&1) &
collecting=$!
started+=("$collecting")
resident=0
for _ in $(seq "${COLLECT_S:-60}"); do
	sleep 1
	kill -0 "$collecting" 2>/dev/null || break
	now=$(awk '$1 == "VmRSS:" { print $2 * 1024 }' "/proc/$collecting/status")
	if [ "${now:-0}" -gt "$resident" ] && grep -q connected "$work/said"; then resident=$now; fi
done
highest=$(awk '$1 == "VmHWM:" { print $2 * 1024 }' "/proc/$collecting/status" 2>/dev/null || echo 0)
kill -TERM "$collecting" 2>/dev/null || true
status=0
wait "$collecting" || status=$?
[ "$version" = systemd ] || rmdir "$(group_named "$name")"
heard=$(grep -oE '[0-9]+ readings stored' "$work/said" || true)
if [ "$status" != 0 ] || [ -z "$heard" ] || [ "$heard" = "0 readings stored" ]; then
	echo "test-512mb: the collecting process did not collect (status $status):" >&2
	tail -n 5 "$work/said" >&2
	exit 1
fi

# The virtual radio is a whole Bluetooth stack in Python; on a board BlueZ is that, and is spoken to over D-Bus.
with_it() { # MODULE: bytes that a process holds which has loaded it and what listens
	.venv/bin/python -c "import healthslm.cli.listening, $1; from healthslm.bench.memory import held; print(held('VmRSS'))"
}
virtual=$(($(with_it device.virtual) - $(with_it bleak.backends.bluezdbus.client)))
echo "the collecting process: $heard; at most $((resident / 1000000)) MB resident while it listened, of which" \
	"$((virtual / 1000000)) MB are the virtual radio's alone; $((highest / 1000000)) MB while the key was derived" >&2
if [ $((resident - virtual)) -gt $((collecting_mb * 1000000)) ]; then
	echo "test-512mb: the collecting process holds more than $collecting_mb MB." >&2
	exit 1
fi
