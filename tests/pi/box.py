"""A box to install on: a folder with what a Debian has, and stand-ins for what needs a running one."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

INSTALL = Path(__file__).parents[2] / "device" / "pi" / "install.sh"
MAIN_CONF = """\
[General]
Name = living room

[LE]
# as the person wants it
MaxConnectionInterval = 16
#MinConnectionInterval=

[Policy]
AutoEnable=true
"""

# A systemctl that remembers in what state a unit is, and which one failed too often to be started; without a
# store it starts none, which is no error. `start` does what the current healthslm would: a version that is
# called broken touches the store, and does not come up however often it is tried.
SYSTEMCTL = """\
#!/bin/bash
echo "$*" >> "$BOX/calls"
if grep -qxF "$*" "$BOX/refused" 2> /dev/null; then
	echo "systemctl: $* refused" >&2
	exit 1
fi
version=$(readlink "$ROOT/opt/healthslm/current")
case $1 in
is-active)
	state=$(cat "$BOX/units/${@: -1}" 2> /dev/null || echo inactive)
	[ "$2" = --quiet ] || echo "$state"
	[ "$state" = active ] ;;
stop) for unit in "${@:2}"; do echo inactive > "$BOX/units/$unit"; done ;;
reset-failed) for unit in "${@:2}"; do rm -f "$BOX/too often/$unit"; done ;;
start | restart)
	for unit in "${@:2}"; do
		[ ! -e "$BOX/too often/$unit" ] || { echo "$unit: Start request repeated too quickly." >&2; exit 1; }
	done
	[ -e "$ROOT/var/lib/healthslm/store/keys.json" ] || exit 0
	ls "$ROOT/var/lib/healthslm" > "$BOX/seen at start of $version"
	if [[ $version == *broken* ]]; then
		echo changed >> "$ROOT/var/lib/healthslm/store/store.db"
		echo 2 > "$ROOT/var/lib/healthslm/.local/state/healthslm/witness"
		for unit in "${@:2}"; do touch "$BOX/too often/$unit"; done
		exit 1
	fi
	for unit in "${@:2}"; do echo active > "$BOX/units/$unit"; done ;;
esac
"""

# Making an environment takes seconds, so it is made once; all else is the real Python.
PYTHON = """\
#!/bin/bash
if [ "$1 $2" = "-m venv" ]; then exec cp -al {template} "$3"; fi
exec {python} "$@"
"""

# Of the real one only what the installer asks of it.
COMMAND = """\
import os
import sys
from pathlib import Path

def main():
    if "--version" in sys.argv:
        print("healthslm")
    elif "keys" in sys.argv:
        assert open(3).readline() == "passphrase\\n" if "--passphrase-fd" in sys.argv else True
        kept = Path(os.environ["HEALTHSLM_HOME"], "keys.json")
        label = sys.argv[sys.argv.index("--label") + 1]
        if label in kept.read_text():
            sys.exit(f"There is a slot {label!r} already.")
        kept.write_text(label)
        Path(sys.argv[sys.argv.index("--file") + 1]).write_text("healthslm-machine-1:secret\\n")
"""


def wheel(folder: Path, name: str, version: str, files: dict[str, str], script: str = "") -> Path:
    """Make a wheel of these files; `script` is what its command calls."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    inside = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        inside[f"{about}/entry_points.txt"] = f"[console_scripts]\n{name} = {script}\n"
    inside[f"{about}/RECORD"] = "".join(f"{file},,\n" for file in (*inside, f"{about}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in inside.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return path


@dataclass
class Box:
    """One root folder, and what it takes to run the installer on it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def data(self) -> Path:
        return self.root / "var/lib/healthslm"

    @property
    def opt(self) -> Path:
        return self.root / "opt/healthslm"

    @property
    def lock(self) -> Path:
        return self.folder / "requirements.lock"

    def prepare(self) -> None:
        """Lay out the root, the stand-ins, and a package for the lock to name."""
        for folder in ("etc/bluetooth", "run/systemd/system", "usr/bin"):
            (self.root / folder).mkdir(parents=True)
        for folder in ("units", "too often"):
            (self.folder / folder).mkdir()
        (self.root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (self.root / "etc/group").write_text("root:x:0:\nbluetooth:x:110:\n")
        (self.root / "etc/shadow").write_text("root:*:1::::::\n")
        (self.root / "etc/bluetooth/main.conf").write_text(MAIN_CONF)
        self.stand_in("systemctl", SYSTEMCTL)
        self.stand_in("systemd-creds", "#!/bin/sh\nexit 1\n")
        subprocess.run([sys.executable, "-m", "venv", self.folder / "template"], check=True)
        self.stand_in("python", PYTHON.format(template=self.folder / "template", python=sys.executable))
        package = wheel(self.folder, "small", "1.0", {"small.py": "SMALL = True\n"})
        digest = hashlib.sha256(package.read_bytes()).hexdigest()
        self.lock.write_text(f"small==1.0 \\\n    --hash=sha256:{digest}\n")

    def stand_in(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def fail_at(self, command: str, arguments: str) -> None:
        """Have a command of the system fail at arguments that look so, as on a disk that is failing."""
        case = f'case "$*" in {arguments}) echo "{command}: $*: Input/output error" >&2; exit 1 ;; esac'
        real = shutil.which(command, path="/usr/bin:/bin")
        self.stand_in(command, f'#!/bin/sh\n{case}\nexec {real} "$@"\n')

    def mend(self, command: str) -> None:
        """Have it work again."""
        (self.folder / "bin" / command).unlink()

    def type(self, line: str) -> None:
        """Do what a person is told to type; here it is all one user's, and under the root."""
        line = line.strip().removeprefix("sudo ").removeprefix("runuser -u healthslm -- ")
        subprocess.run(
            ["bash", "-c", line.replace("/var/lib/healthslm", f"{self.root}/var/lib/healthslm")],
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "BOX": str(self.folder),
                "ROOT": str(self.root),
            },
            check=True,
        )

    def version(self, number: str, migrations: int = 1) -> Path:
        """Make a wheel of healthslm that knows so many changes of the tables."""
        files = {
            "healthslm/__init__.py": COMMAND,
            "healthslm/store/__init__.py": "",
            "healthslm/store/schema.py": f"MIGRATIONS = [''] * {migrations}\n",
        }
        return wheel(self.folder, "healthslm", number, files, "healthslm:main")

    def run(self, *arguments: str, feed: str = "") -> subprocess.CompletedProcess[str]:
        """Run the installer with these arguments; nobody sits at a terminal."""
        become = [] if os.geteuid() == 0 else ["fakeroot"]
        return subprocess.run(
            [*become, str(INSTALL), "--root", str(self.root), *arguments],
            input=feed,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
                "BOX": str(self.folder),
                "ROOT": str(self.root),
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.folder),
                "PIP_CONFIG_FILE": os.devnull,
                "HOME": str(self.folder),
                **self.environment,
            },
        )

    def install(self, number: str, migrations: int = 1) -> subprocess.CompletedProcess[str]:
        """Install a version, or bring the box up to it."""
        made = self.version(number, migrations)
        return self.run(
            "--wheel",
            str(made),
            "--lock",
            str(self.lock),
            "--python",
            str(self.folder / "bin/python"),
            "--without-model",
        )

    def copied(self, folder: Path) -> Box:
        """Return a second box that is as this one."""
        shutil.copytree(
            self.folder,
            folder,
            symlinks=True,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("opt", "template"),
        )
        subprocess.run(["cp", "-al", self.root / "opt", folder / "root"], check=True)
        return Box(folder)

    def calls(self) -> list[str]:
        """Return what systemctl was asked for."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def current(self) -> str:
        """Return the number of the version that is current."""
        return os.readlink(self.opt / "current").rpartition("-")[0]

    def versions(self) -> list[str]:
        """Return the numbers of those that are there."""
        return sorted(path.name.rpartition("-")[0] for path in self.opt.iterdir() if not path.is_symlink())

    def fill_store(self) -> None:
        """Put something into the place of a store, and of the note of how far it has come."""
        (self.data / "store").mkdir(parents=True)
        (self.data / "store/keys.json").write_text("{}")
        (self.data / "store/store.db").write_text("readings\n")
        (self.data / ".local/state/healthslm").mkdir(parents=True)
        (self.data / ".local/state/healthslm/witness").write_text("1\n")

    def activate(self, *units: str, state: str = "active") -> None:
        """Have these units at work, or in another state."""
        for unit in units:
            (self.folder / "units" / unit).write_text(f"{state}\n")

    def active(self) -> list[str]:
        """Return the units that are at work."""
        return sorted(
            path.name for path in (self.folder / "units").iterdir() if path.read_text() == "active\n"
        )

    def failed_too_often(self, *units: str) -> None:
        """Have systemd refuse to start these until `reset-failed`."""
        for unit in units:
            (self.folder / "too often" / unit).touch()

    def refuse(self, *calls: str) -> None:
        """Have systemctl fail at what is called so."""
        (self.folder / "refused").write_text("".join(f"{call}\n" for call in calls))

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """Return everything under the root: modes, owners, times and contents."""
        found: dict[str, tuple[object, ...]] = {}
        for path in sorted(self.root.rglob("*")):
            about = path.lstat()
            content = (
                os.readlink(path)
                if path.is_symlink()
                else hashlib.sha256(path.read_bytes()).hexdigest()
                if path.is_file()
                else ""
            )
            found[str(path.relative_to(self.root))] = (
                about.st_mode,
                about.st_uid,
                about.st_gid,
                about.st_mtime_ns,
                content,
            )
        return found
