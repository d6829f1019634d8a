# shellcheck shell=bash
# A version is a folder of its own, /opt/healthslm/VERSION, with a Python environment of exactly the locked
# packages. Its name ends in a digest of what it is made of, so another state of a checkout is another version.
NEEDED_MB=700 # 460 in the end, and what is unpacked on the way

version_wanted() {
	local number digest
	[ -f "$lock" ] || fail "$lock is missing." "It lies beside install.sh; or name another with --lock."
	if [ -n "$wheel" ]; then
		[ -f "$wheel" ] || fail "$wheel is not there." "Name the wheel of healthslm."
		case $(basename "$wheel") in
		healthslm-*.whl) ;;
		*) fail "$wheel is no wheel of healthslm." "It is called like healthslm-0.1.0-py3-none-any.whl." ;;
		esac
		number=$(basename "$wheel" | cut -d- -f2)
		digest=$(cat "$wheel" "$lock" | sha256sum)
	else
		[ -f "$checkout/pyproject.toml" ] ||
			fail "This install.sh lies in no checkout of healthslm." "Name a wheel: --wheel FILE"
		number=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$checkout/pyproject.toml" | head -n 1)
		digest=$(cd "$checkout" && find healthslm device pyproject.toml README.md LICENSE NOTICE docs/box.md "$lock" \
			-type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sed "s|$checkout/||" | sha256sum)
	fi
	printf '%s-%s\n' "$number" "${digest:0:8}"
}

build_version() { # VERSION: beside those that are there; a build that fails leaves nothing
	local target=$opt/$1
	[ -f "$target/complete" ] && return 0
	rm -rf "$target"
	mkdir -p "$opt"
	[ "$(df --output=avail -B 1M "$opt" | tail -n 1)" -ge "$NEEDED_MB" ] ||
		fail "A version takes $NEEDED_MB MB, and there is less room in ${opt#"$root"}." "Make room, and say it again."
	say "Installing healthslm $1 into ${target#"$root"} ..."
	if ! fill_version "$target"; then
		rm -rf "$target"
		fail "healthslm $1 could not be installed; the lines above say why. What was there is as it was." \
			"Is there a network, and room on the disk? Then say it again."
	fi
	touch "$target/complete"
	note_change "Installed healthslm $1 into ${target#"$root"}"
}

fill_version() { # FOLDER
	local pip=("$1/bin/python" -m pip --disable-pip-version-check --no-input --quiet)
	"$python" -m venv "$1" &&
		"${pip[@]}" install --no-cache-dir --require-hashes --only-binary :all: -r "$lock" &&
		if [ -n "$wheel" ]; then
			"${pip[@]}" install --no-deps --no-index "$wheel"
		else # hatchling is among the locked packages
			"${pip[@]}" install --no-deps --no-index --no-build-isolation "$checkout"
		fi &&
		"$1/bin/healthslm" --version >/dev/null &&
		mkdir "$1/pi" &&
		cp -R "$here/." "$1/pi/" &&
		{ [ ! -f "$checkout/docs/box.md" ] || cp "$checkout/docs/box.md" "$1/pi/"; } &&
		chmod -R go-w "$1"
}

migrations() { # VERSION: how many changes of the store's tables it knows; -I, or the folder one is in has a say
	"$opt/$1/bin/python" -I -c 'from healthslm.store import schema; print(len(schema.MIGRATIONS))'
}
