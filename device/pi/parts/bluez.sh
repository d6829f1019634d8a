# shellcheck shell=bash
# The settings of BlueZ. No release of it (5.87 is the newest looked at) reads a folder of drop-ins, so they go
# into a marked block at the end of main.conf: of a section that occurs twice the values are joined.
BEGIN='# >>> healthslm: written by its install.sh; what you set above is left out here'
END='# <<< healthslm'

without_block() { # FILE: what is in it beside the block
	[ -f "$1" ] || return 0
	awk -v begin="$BEGIN" -v end="$END" '$0 == begin { inside = 1 } !inside { print } $0 == end { inside = 0 }' "$1"
}

wanted_block() { # SETTINGS THEIRS: the block, without what is set in theirs already
	awk -v begin="$BEGIN" -v end="$END" '
		function trimmed(text) { gsub(/^[ \t]+|[ \t\r]+$/, "", text); return text }
		/^[ \t]*[#;]/ || /^[ \t]*$/ { next }
		/^[ \t]*\[/ { section = trimmed($0); next }
		{ key = trimmed(substr($0, 1, index($0, "=") - 1)) }
		FNR == NR { set[section, key] = 1; next }
		(section, key) in set { next }
		!any++ { print begin }
		section != said { print section; said = section }
		{ print }
		END { if (any) print end }
	' "$2" "$1"
}

replace_settings() { # NEW FILE: in one step, with the owner and mode of the one that was there
	mkdir -p "$(dirname "$2")"
	install -m 644 "$1" "$2.new"
	if [ -f "$2" ]; then
		chmod --reference="$2" "$2.new"
		chown --reference="$2" "$2.new"
	fi
	mv -T "$2.new" "$2"
}

restart_bluetooth() { # where it runs, so that it reads them; one that cannot be is no reason to end half way
	control try-restart bluetooth.service ||
		say "bluetooth.service could not be restarted: it reads its settings at its next start." \
			"See: systemctl status bluetooth" >&2
}

keep_bluez_settings() { # SETTINGS FILE
	local theirs new
	theirs=$(mktemp) new=$(mktemp)
	without_block "$2" >"$theirs"
	{ cat "$theirs"; wanted_block "$1" "$theirs"; } >"$new"
	if ! cmp -s "$new" "$2"; then
		replace_settings "$new" "$2"
		note_change "Set in ${2#"$root"} what long streams need"
		restart_bluetooth
	fi
	rm -f "$theirs" "$new"
}

restore_bluez_settings() { # FILE: as it was without the block
	local new
	[ -f "$1" ] && grep -qxF "$BEGIN" "$1" || return 0
	new=$(mktemp)
	without_block "$1" >"$new"
	if [ -s "$new" ]; then replace_settings "$new" "$1"; else rm -f "$1"; fi
	rm -f "$new"
	note_change "Took the settings out of ${1#"$root"} again"
	restart_bluetooth
}
