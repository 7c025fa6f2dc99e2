# SPDX-License-Identifier: Apache-2.0
"""tinyproxy, a real HTTP proxy, that finds hosts by a file of its own."""
import pathlib
import subprocess

from environment import wait_for


class TinyProxy:
    """Listens at once. `lines` are further ones of its configuration, `hosts` are names and their addresses."""

    def __init__(self, directory, address, port, *lines, hosts=None):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.log_file = directory / "log"
        file, names = directory / "tinyproxy.conf", directory / "hosts"
        file.write_text("\n".join(
            [f"Listen {address}", f"Port {port}", "Timeout 20", "DisableViaHeader Yes", "MaxClients 20",
             f'LogFile "{self.log_file}"', "LogLevel Info", *lines]) + "\n")
        names.write_text("".join(f"{where} {name}\n" for name, where in (hosts or {}).items()))
        # A mount namespace of its own: the machine's hosts file stays as it is.
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && exec tinyproxy -d -c "$2"', "sh", names,
             file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: f"{address}:{port}" in subprocess.run(["ss", "-lntH"], capture_output=True, text=True).stdout,
                 "tinyproxy listens")

    @property
    def log(self):
        return self.log_file.read_text()

    def close(self):
        self.process.terminate()
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
