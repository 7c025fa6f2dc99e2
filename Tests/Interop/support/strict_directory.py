# SPDX-License-Identifier: Apache-2.0
"""A lab's real controller with a stricter policy: its directory served once more under another one, and its shares
closed to somebody."""
import contextlib
import os
import pathlib
import signal
import subprocess

import wan
from environment import wait_for


def _settings(site, host):
    return pathlib.Path(site.lab.directory) / "dc" / host / "etc/smb.conf"


class StrictDirectory:
    """The controller's LDAP service a second time, on an address of its own: the same database, account and certificate, and
    no sign-in is taken that is not signed by itself, inside TLS neither (smb.conf(5), `ldap server require strong auth`)."""

    def __init__(self, site, host, address):
        directory = pathlib.Path(site.directory) / f"strict-{address}"
        for part in ("run", "ncalrpc"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(wan.addresses(address))
        options = {
            "server services": "ldap", "interfaces": f"{address}/32", "bind interfaces only": "yes",
            "ldap server require strong auth": "yes", "pid directory": directory / "run",
            "ncalrpc dir": directory / "ncalrpc", "log file": directory / "log"}
        self.log = self.stack.enter_context(open(directory / "output", "w+"))
        self.process = subprocess.Popen(
            ["samba", "--foreground", "--no-process-group", "--debug-stdout", "-s", _settings(site, host),
             *(f"--option={name}={value}" for name, value in options.items())],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.stack.callback(self._stop)
        wait_for(lambda: self._listens(address), f"the directory is served at {address}", 30)

    def _listens(self, address):
        assert self.process.poll() is None, (self.log.seek(0), self.log.read())[1]
        return f"{address}:636" in subprocess.run(["ss", "-lntH"], capture_output=True, text=True).stdout

    def _stop(self):
        # The workers are of its process group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()


@contextlib.contextmanager
def closed_share(site, host, share, account):
    """An account may not use a share of the controller."""
    file = _settings(site, host)
    before = file.read_text()
    log = next(pathlib.Path(line.split("=", 1)[1].strip()) for line in before.splitlines()
               if line.strip().startswith("log file"))

    def take(text):
        file.write_text(text)
        # The parent says so before it reads, and takes no connection in between.
        seen = log.read_text(errors="replace").count("Reloading services after SIGHUP")
        for process in subprocess.run(
                ["pgrep", "-f", f"smbd .*--configfile={file}"], check=True, capture_output=True, text=True).stdout.split():
            os.kill(int(process), signal.SIGHUP)
        wait_for(lambda: log.read_text(errors="replace").count("Reloading services after SIGHUP") > seen,
                 "the file service reads its settings again", 30)
    take(before + f"\n[{share}]\n\tpath = /\n\tinvalid users = {account}\n")
    try:
        yield
    finally:
        take(before)
