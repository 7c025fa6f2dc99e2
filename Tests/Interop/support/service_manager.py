# SPDX-License-Identifier: Apache-2.0
"""A systemd of a test's own: the real service manager as process 1 of namespaces, so that units run under everything that
they ask for. Of the machine it sees the file systems, without /run, /var/lib and /etc: those are copies that end with it."""
import os
import pathlib
import re
import shutil
import subprocess

from environment import ROOT, wait_for

GUIDE = ROOT / "docs/operations/service.md"
OUTPUT = "/run/bridgehead-connect.log"
# Nothing but what is told to start: the distribution's own units would look after the whole machine.
TARGET = "[Unit]\nDescription=Nothing\nDefaultDependencies=no\n"
SETUP = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind "$1/etc" /etc
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /usr/local/bin
install -m 755 "$2" /usr/local/bin/bridgehead
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/systemd/system
cp -r "$1"/units/* /run/systemd/system
mount --make-rshared /
export container=other
exec /lib/systemd/systemd --system --unit=nothing.target --log-target=console --log-level=info --show-status=no
"""


def unit():
    """The unit of the guide, as an administrator copies it; only what it has to do with other units is left out."""
    text = re.search(r"```ini\n(.*?)```", GUIDE.read_text(), re.S)[1]
    service = text[text.index("[Service]"):text.index("[Install]")]
    assert "ProtectSystem=strict" in service
    return "[Unit]\nDefaultDependencies=no\n\n" + service


class ServiceManager:
    """Started with a folder for its files, a program to install, a user to make, and files for /etc/bridgehead."""

    def __init__(self, directory, program, user, files):
        self.directory, self.etc = pathlib.Path(directory), pathlib.Path(directory) / "etc"
        shutil.copytree("/etc", self.etc, symlinks=True)
        with open(self.etc / "passwd", "a") as accounts, open(self.etc / "group", "a") as groups:
            accounts.write(f"{user}:x:990:990::/nonexistent:/usr/sbin/nologin\n")
            groups.write(f"{user}:x:990:\n")
        folder = self.etc / "bridgehead"
        folder.mkdir()
        for name, (source, owner) in files.items():
            shutil.copy(source, folder / name)
            os.chmod(folder / name, 0o600 if owner else 0o644)
            os.chown(folder / name, 990 if owner == user else 0, 0)
        units = self.directory / "units"
        units.mkdir()
        (units / "nothing.target").write_text(TARGET)
        (units / "bridgehead-connect.service").write_text(unit())
        # There is no journal.
        drop_in = units / "bridgehead-connect.service.d"
        drop_in.mkdir()
        (drop_in / "output.conf").write_text(f"[Service]\nStandardOutput=append:{OUTPUT}\nStandardError=append:{OUTPUT}\n")
        self.log = open(self.directory / "log", "w")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--fork", "--kill-child",
             "bash", "-c", SETUP, "setup", self.directory, program],
            stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        wait_for(self._is_running, "the service manager runs", 30)

    def _is_running(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        found = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.first = int(found[0]) if found else None
        return self.first and self.run("systemctl", "is-system-running", check=False).stdout.strip() == "running"

    def run(self, *command, check=True):
        done = subprocess.run(["nsenter", f"--target={self.first}", "--mount", "--pid", "--uts", "--ipc", *map(str, command)],
                              capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def show(self, service, *names):
        text = self.run("systemctl", "show", service, *[f"--property={name}" for name in names]).stdout
        return dict(line.split("=", 1) for line in text.splitlines())

    def said(self):
        """What the manager and the service wrote."""
        return (self.directory / "log").read_text() + self.run("cat", OUTPUT, check=False).stdout

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
