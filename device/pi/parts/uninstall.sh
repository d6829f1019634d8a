# shellcheck shell=bash
# Taking it off again. What was measured stays unless that is asked for, and said to be deleted.

uninstall() {
	local unit slot=0
	if is_unattended; then slot=1; fi
	for unit in "${services[@]}"; do
		[ -e "$units/$unit" ] || continue
		control disable --quiet --now "$unit" || true
	done
	remove_drop_ins
	for unit in "${services[@]}"; do drop "$units/$unit"; done
	control daemon-reload
	restore_bluez_settings "$root/etc/bluetooth/main.conf"
	drop "$etc" "$command" "$root/etc/systemd/journald@healthslm.conf" "$opt"
	if [ -d "$data" ] && wants_purge; then
		drop "$data"
		if systemd_runs; then journalctl --namespace=healthslm --rotate --vacuum-time=1s >/dev/null 2>&1 || true; fi
		remove_user
	fi
	[ "$changed" = 1 ] || say "Nothing to change: healthslm is not installed."
	if [ -d "$data" ]; then
		say "What was measured is still in ${data#"$root"}, of the user $user."
		if [ -e "$0" ]; then
			say "To delete it: $0 --uninstall --purge"
		else # this script was part of what was taken off
			say "To delete it: sudo rm -r /var/lib/healthslm && sudo userdel healthslm"
		fi
		[ "$slot" = 0 ] || say "Its key for a start without anybody is gone; the slot 'start without anybody' is still in the store."
	fi
}

wants_purge() {
	local said
	[ "$purge" = 0 ] || return 0
	[ -t 0 ] && [ "$yes" = 0 ] || return 1
	say "All that was measured is in ${data#"$root"}. It can be kept, and found again by a later installation."
	read -r -p "Delete it, for ever? Type delete, or nothing to keep it: " said || true
	[ "$said" = delete ]
}

remove_user() {
	local where=()
	[ -n "$(ids)" ] || return 0
	[ -z "$root" ] || where=(--prefix "$root")
	userdel "${where[@]}" "$user" || return 0
	if grep -q "^$user:" "$root/etc/group"; then groupdel "${where[@]}" "$user" || true; fi
	note_change "Removed the user $user"
}
