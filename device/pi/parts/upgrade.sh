# shellcheck shell=bash
# Which version runs: /opt/healthslm/current points to it. A new one that does not come up is taken back.

point_to() { # VERSION: in one step, so that there is always one
	ln -sfn "$1" "$opt/current.new"
	mv -T "$opt/current.new" "$opt/current"
}

put_units() { # VERSION, the current one: its units
	local unit
	for unit in "${services[@]}"; do put 644 "$opt/$1/pi/$unit" "$units/$unit"; done
	if is_unattended; then write_drop_ins; fi
	control daemon-reload
}

running=() # the units that were stopped for the change, and are to run whatever ends it

start_again() { # at the end of the script, where it came before they were started
	if [ ${#running[@]} -gt 0 ]; then
		forget_failures "${running[@]}"
		control start "${running[@]}" || say "Not started again: ${running[*]}. See: systemctl status ${running[*]}" >&2
	fi
}

switch_to() { # VERSION
	local new=$1 previous='' unit copy='' ran
	[ -L "$opt/current" ] && previous=$(readlink "$opt/current")
	if [ "$previous" = "$new" ]; then
		put_units "$new"
		return 0
	fi
	for unit in "${services[@]}"; do
		if is_active "$unit"; then running+=("$unit"); fi
	done
	trap start_again EXIT
	[ ${#running[@]} -eq 0 ] || control stop "${running[@]}"
	if [ -n "$previous" ] && [ -e "$data/store/keys.json" ] && migrates "$previous" "$new"; then
		copy=$(free_name "$data/before-$new")
		copy_store "$copy"
		[ "$copy" = "$data/before-$new" ] ||
			say "One from an earlier try stays in ${data#"$root"}/before-$new; delete it once you need it no more."
	fi
	point_to "$new"
	put_units "$new"
	note_change "healthslm $new is the current version"
	if [ -z "$previous" ]; then control enable --quiet healthslm.service; fi
	ran=("${running[@]}")
	running=()
	if [ ${#ran[@]} -gt 0 ]; then
		forget_failures "${ran[@]}"
		if ! control start "${ran[@]}"; then
			roll_back "$new" "$previous" "$copy" "${ran[@]}"
		fi
	fi
	if [ -n "$copy" ] && [ ${#ran[@]} -gt 0 ] && is_unattended; then
		delete "$copy"
	elif [ -n "$copy" ]; then # one that waits for its passphrase has not opened the store yet
		say "A copy of the store as it was is in ${copy#"$root"}; delete it once this version has opened the store."
	fi
	forget_others "$new" "$previous"
}

migrates() { # PREVIOUS NEW: whether the new one would change the store's tables; yes where that cannot be told
	local old new
	old=$(migrations "$1" 2>/dev/null) && new=$(migrations "$2" 2>/dev/null) || return 0
	[ "$new" -gt "$old" ]
}

delete() { # FOLDER: one of the service's user; what cannot be is said, and no reason to end half way
	as_user rm -rf "$1" || say "${1#"$root"} could not be deleted. Next: sudo rm -r ${1#"$root"}" >&2
}

free_name() { # FOLDER: it, or with a number: what is there from an earlier try may be all that is whole
	local name=$1 number=2
	while [ -e "$name" ]; do
		name=$1.$number
		number=$((number + 1))
	done
	printf '%s\n' "$name"
}

copy_store() { # FOLDER: the store's files, and the note of how far it has come
	local copy=$1
	# As the service's user, whose files they are: followed by root, a link that it made could lead anywhere.
	if ! { as_user rm -rf "$copy.part" && as_user mkdir -m 700 "$copy.part" &&
		as_user cp -a "$data/store" "$copy.part/store" &&
		{ [ ! -d "$data/.local/state/healthslm" ] ||
			as_user cp -a "$data/.local/state/healthslm" "$copy.part/state"; } &&
		as_user mv -T "$copy.part" "$copy"; }; then
		delete "$copy.part"
		fail "The store could not be copied before it is updated; nothing was changed." \
			"The lines above say why. Is there room on the disk? Then say it again."
	fi
	say "Copied the store to ${copy#"$root"}"
}

roll_back() { # NEW PREVIOUS COPY UNIT...: end with the version that was there
	local new=$1 previous=$2 copy=$3 aside
	shift 3
	control stop "$@" || true
	forget_failures "$@"
	point_to "$previous"
	put_units "$previous"
	if [ -n "$copy" ]; then
		aside=$data/not-started-$new
		delete "$aside"
		aside=$(free_name "$aside")
		# Not started then: to systemd it is no error where there is no store, and half of one is not to be written to.
		put_back as_user "$copy" "$aside" ||
			fail "healthslm $new did not come up, and the store could not be put back. Not started again: $*." \
				"$(explain_put_back "$copy" "$aside" "$@")"
		delete "$copy"
		say "The store is as it was before; what $new made of it is in ${aside#"$root"}."
	fi
	if control start "$@"; then
		fail "healthslm $new did not come up. $previous is at work again." \
			"What it said: journalctl --namespace=healthslm -u healthslm"
	fi
	fail "healthslm $new did not come up, and $previous does not either." \
		"See: systemctl status healthslm, and journalctl --namespace=healthslm -u healthslm"
}

put_back() { # HOW COPY ASIDE: the store and its note as they were, what is there now aside; HOW: as_user, or typed
	local how=$1 copy=$2 aside=$3 name place
	[ -d "$aside" ] || "$how" mkdir -m 700 "$aside" || return 1
	for name in store state; do
		place=$data/$name
		[ "$name" = store ] || place=$data/.local/state/healthslm
		[ -d "$copy/$name" ] || continue # there was none, or it is back already
		[ ! -e "$place" ] || "$how" mv -T "$place" "$aside/$name" || return 1
		"$how" mv -T "$copy/$name" "$place" || return 1
	done
}

typed() { # the command, as a person types it
	printf '  sudo runuser -u %s --' "$user"
	printf ' %s' "${@#"$root"}"
	printf '\n'
}

explain_put_back() { # COPY ASIDE UNIT...: what is left of it to be done
	local copy=$1 aside=$2
	shift 2
	say "What is not back of the store as it was is in ${copy#"$root"}: keep that. Once what is said above is mended, type:"
	put_back typed "$copy" "$aside"
	typed rmdir "$copy" # which refuses if something is left in it
	say "  sudo systemctl start $*"
}

forget_others() { # NEW PREVIOUS: keep these two
	local folder name
	for folder in "$opt"/*/; do
		name=$(basename "$folder")
		case $name in
		current | "$1" | "${2:-$1}") ;;
		*) drop "$opt/$name" ;;
		esac
	done
}
