# shellcheck shell=bash
# Saying things, and putting files in place only where they are not yet.
changed=0

say() { printf '%s\n' "$*"; }

fail() { # what happened, and the next step
	printf 'install.sh: %s\n' "$1" >&2
	[ $# -lt 2 ] || printf '%s\n' "$2" >&2
	exit 1
}

note_change() { changed=1; say "$@"; }

put() { # MODE SOURCE TARGET: a copy of a file, if it is not there just so
	if cmp -s "$2" "$3" && [ "$(stat -c %a "$3")" = "$1" ]; then return 0; fi
	mkdir -p "$(dirname "$3")"
	install -m "$1" "$2" "$3.new"
	mv -T "$3.new" "$3"
	note_change "Wrote ${3#"$root"}"
}

drop() { # FILE...: remove what is there
	local file
	for file in "$@"; do
		[ -e "$file" ] || [ -L "$file" ] || continue
		rm -rf "$file"
		note_change "Removed ${file#"$root"}"
	done
}

systemd_runs() { [ -d "$root/run/systemd/system" ]; }

control() { # systemctl, where systemd runs
	if systemd_runs; then systemctl "$@"; fi
}

is_active() { # UNIT: at work, or about to be: it opens a store for minutes, or crashed and waits for its next start
	local state
	systemd_runs || return 1
	state=$(systemctl is-active "$1") || true
	case $state in '' | unknown | inactive | failed) return 1 ;; esac
}

forget_failures() { # UNIT...: else one that failed too often is not started
	control reset-failed "$@" 2>/dev/null || true
}

ids() { # "uid:gid" of the service's user, of the system under the root
	awk -F: -v user="$user" '$1 == user { print $3 ":" $4 }' "$root/etc/passwd"
}

as_user() { # the command, as the service's user and on its store; under another root there is none to become
	local become=(runuser -u "$user" --)
	[ -z "$root" ] || become=()
	HOME=$data HEALTHSLM_HOME=$data/store "${become[@]}" "$@"
}

check_machine() {
	case "$(uname -m) $(getconf LONG_BIT)" in
	"aarch64 64" | "x86_64 64") ;;
	*) fail "This system is $(uname -m) with $(getconf LONG_BIT) bits; there are no packages for it." \
		"Install Raspberry Pi OS (64-bit)." ;;
	esac
	[ -n "$root" ] || command -v apt-get >/dev/null || fail "There is no apt-get here." "This is for Debian and its kin."
}

check_python() {
	[ -x "$python" ] || fail "$python is missing." "Name another with --python."
	if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
		fail "$python is older than Python 3.11." \
			"Update to Debian 12 or Raspberry Pi OS bookworm, or name another with --python."
	fi
}

install_packages() { # NAME...: those of Debian that are missing
	local name missing=()
	for name in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "Installing ${missing[*]} ..."
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
		fail "apt-get could not install ${missing[*]}; the lines above say why." "Is there a network?"
	note_change "Installed ${missing[*]}"
}

make_user() {
	local where=()
	[ -z "$root" ] || where=(--prefix "$root")
	if [ -z "$(ids)" ]; then
		useradd "${where[@]}" --system --user-group --home-dir /var/lib/healthslm --no-create-home \
			--shell /usr/sbin/nologin --groups bluetooth "$user" ||
			fail "The user $user could not be made." "Is there a group bluetooth?"
		note_change "Made the user $user"
	fi
	[ -d "$data" ] || {
		install -d -m 700 "$data"
		chown "$(ids)" "$data"
		note_change "Made ${data#"$root"}"
	}
}

build_model() { # a failure leaves the template's texts, which are complete
	local folder=$data/.cache/healthslm/model
	[ -z "$root" ] || return 0
	as_user "$opt/current/bin/healthslm" model info >/dev/null 2>&1 && return 0
	say "Building the language model in ${folder#"$root"}; it is fetched once (about 100 MB) ..."
	if as_user "$opt/current/bin/healthslm" model build; then
		note_change "Built the language model"
	else
		say "The language model could not be built; texts are the template's until: sudo healthslm model build"
	fi
}
