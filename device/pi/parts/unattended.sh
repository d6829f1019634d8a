# shellcheck shell=bash
# A start without anybody there: a credential that opens the store, which systemd hands to the service alone.
DROP_IN=10-unattended.conf     # read before the override.conf of `systemctl edit`: what a person sets there counts
FORMER_DROP_IN=unattended.conf # as it was called first, which is read after it

explain_unattended() {
	say "healthslm will then start by itself, after a power cut too, and go on listening and warning."
	say ""
	say "What it means: who has this box has what is in it. A key that opens the store is kept on it, for root alone."
	if can_encrypt && systemd-creds has-tpm2 >/dev/null 2>&1; then
		say "It is encrypted by this machine's TPM: a card or disk that is taken out opens nothing; the whole machine does."
	elif can_encrypt; then
		say "It is encrypted under a key on the same card (there is no TPM): who takes the card out can read everything."
	else
		say "It lies on the same card as it is: who takes the card out can read everything."
	fi
	say "Without it the store stays locked until somebody gives a passphrase."
}

is_unattended() { [ -e "$etc/machine.cred" ] || [ -e "$etc/machine.key" ]; }

can_encrypt() { command -v systemd-creds >/dev/null; }

confirmed() {
	local said
	[ "$yes" = 0 ] || return 0
	[ -t 0 ] || fail "Nobody can be asked here; nothing was changed." "Say it in a terminal, or with --yes."
	read -r -p "Start without anybody there? Type yes: " said || true
	[ "$said" = yes ] || fail "Nothing was changed."
}

start_unattended() {
	local making=$root/run/healthslm-making
	[ -e "$data/store/keys.json" ] || fail "There is no store yet." "Say first: sudo healthslm init"
	[ -x "$opt/current/bin/healthslm" ] || fail "healthslm is not installed." "Run install.sh without --unattended."
	if is_unattended; then
		write_drop_ins
		control daemon-reload
		if [ "$changed" = 0 ]; then say "Nothing to change: it starts without anybody there."; fi
		return 0
	fi
	explain_unattended
	confirmed
	# In memory, and the user's own for as long as it takes: the command that makes it runs as the user.
	rm -rf "$making"
	mkdir -p "${making%/*}"
	mkdir -m 700 "$making"
	chown "$(ids)" "$making"
	# shellcheck disable=SC2064  # the folder is known now
	trap "rm -rf '$making'" EXIT
	# The first person's store, whoever of a household is meant otherwise.
	local add=(--person first keys add machine --label "start without anybody" --file "$making/key")
	if [ -n "$passphrase_file" ]; then
		as_user "$opt/current/bin/healthslm" --passphrase-fd 3 "${add[@]}" 3<"$passphrase_file"
	else
		as_user "$opt/current/bin/healthslm" "${add[@]}"
	fi || fail "The key was not made; the line above says why." \
		"If there is a slot already: sudo healthslm keys remove 'start without anybody', and say this again."
	install -d -m 700 "$etc"
	if can_encrypt && systemd-creds encrypt --name=healthslm "$making/key" "$etc/machine.cred"; then
		chmod 600 "$etc/machine.cred"
	else
		install -m 600 "$making/key" "$etc/machine.key"
	fi
	note_change "A key for this machine is in ${etc#"$root"}; healthslm keys list shows its slot."
	write_drop_ins
	control daemon-reload
	forget_failures healthslm.service
	control restart healthslm.service || fail "It did not start." "See: systemctl status healthslm"
	say "healthslm starts by itself from now on. To take that back: $0 --attended"
}

write_drop_ins() {
	local unit made
	made=$(mktemp)
	for unit in "${services[@]}"; do
		drop_in_for "$unit" >"$made"
		put 644 "$made" "$units/$unit.d/$DROP_IN"
		drop "$units/$unit.d/$FORMER_DROP_IN"
	done
	rm -f "$made"
}

remove_drop_ins() {
	local unit
	for unit in "${services[@]}"; do
		drop "$units/$unit.d/$DROP_IN" "$units/$unit.d/$FORMER_DROP_IN"
		rmdir "$units/$unit.d" 2>/dev/null || true
	done
}

drop_in_for() { # UNIT: the same command, with the credential; the page is the first person's then
	local start whose=''
	[ "$1" = healthslm.service ] || whose='--person first '
	start=$(sed -n 's/^ExecStart=//p' "$opt/current/pi/$1")
	printf '%s\n' "# Written by install.sh --unattended, which says what it means." "[Service]"
	if [ -e "$etc/machine.cred" ]; then
		printf '%s\n' "LoadCredentialEncrypted=healthslm:/etc/healthslm/machine.cred"
	else
		printf '%s\n' "LoadCredential=healthslm:/etc/healthslm/machine.key"
	fi
	# shellcheck disable=SC2016  # systemd puts the folder in
	printf '%s\n' "ExecStart=" "ExecStart=${start%% *} --passphrase-file \${CREDENTIALS_DIRECTORY}/healthslm $whose${start#* }"
}

start_attended() {
	remove_drop_ins
	drop "$etc/machine.cred" "$etc/machine.key"
	[ "$changed" = 1 ] || { say "Nothing to change: it does not start without a passphrase."; return 0; }
	control daemon-reload
	say "It runs on as it is; after its next start it waits for a passphrase."
	say "The key's slot is still in the store. Next: sudo healthslm keys remove 'start without anybody'"
}
