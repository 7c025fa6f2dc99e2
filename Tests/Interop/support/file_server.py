# SPDX-License-Identifier: Apache-2.0
"""Samba's smbd by itself on one address: a real file server pinned to the dialects and rules that a test asks for."""
import pathlib
import signal
import socket
import subprocess

from environment import wait_for


class FileServer:
    def __init__(self, directory, address, port=445, **options):
        """options: of smb.conf's global section, with underscores for blanks."""
        self.directory, self.address, self.port = pathlib.Path(directory), address, port
        for part in ("private", "state", "cache", "lock", "run", "log"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        settings = {
            "server role": "standalone server", "interfaces": f"{address}/8", "bind interfaces only": "yes",
            "smb ports": port, "disable netbios": "yes", "private dir": self.directory / "private",
            "state directory": self.directory / "state", "cache directory": self.directory / "cache",
            "lock directory": self.directory / "lock", "pid directory": self.directory / "run",
            "ncalrpc dir": self.directory / "run", "log file": self.directory / "log/smbd", "load printers": "no",
            **{name.replace("_", " "): value for name, value in options.items()}}
        file = self.directory / "smb.conf"
        file.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        self.log = open(self.directory / "output", "w")
        self.process = subprocess.Popen(
            ["smbd", "--foreground", "--no-process-group", "--debug-stdout", "-s", file], stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL, start_new_session=True)
        wait_for(self._answers, f"smbd listens on {address}", 20)

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "output").read_text()
        with socket.socket() as one:
            return one.connect_ex((self.address, self.port)) == 0

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
