# SPDX-License-Identifier: Apache-2.0
"""The manual pages: man-db renders every one without a warning, and each says what its command says of itself."""
import shutil
import subprocess

import pytest

from environment import PRODUCT, ROOT
from test_command_line import leaves


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manual")
    subprocess.run([ROOT / "Scripts/manual", "--product", PRODUCT, folder], check=True, capture_output=True)
    return folder


def render(*arguments):
    return subprocess.run(
        ["man", *map(str, arguments)], capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": "", "PAGER": "cat"})


needs_man = pytest.mark.skipif(not shutil.which("man"), reason="man-db is not installed")


def visible(bridgehead):
    def walk(command, path=()):
        yield path, command
        for sub in command.get("subcommands", []):
            if sub["commandName"] != "help" and sub["shouldDisplay"]:
                yield from walk(sub, (*path, sub["commandName"]))

    return list(walk(bridgehead.json("--experimental-dump-help")["command"]))


def test_every_visible_command_has_a_page(bridgehead, manual):
    names = {"-".join(("bridgehead", *path)) for path, _ in visible(bridgehead)}
    assert {page.stem for page in (manual / "man1").iterdir()} == names
    assert len(names) > len(leaves(bridgehead)) / 2


@needs_man
def test_man_accepts_every_page(bridgehead, manual):
    for path, command in visible(bridgehead):
        name = "-".join(("bridgehead", *path))
        done = render("--warnings", "-E", "UTF-8", "-l", manual / "man1" / f"{name}.1")
        assert done.returncode == 0 and done.stderr == "", (name, done.stderr)
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"):
            assert f"\n{section}\n" in done.stdout, (name, section)
        for argument in command.get("arguments", []):
            if argument.get("shouldDisplay", True) and argument["kind"] != "positional":
                assert "--" + argument["preferredName"]["name"] in done.stdout or (
                    argument["preferredName"]["kind"] != "long"), (name, argument)
        # Examples can be copied: every line of them stands there as it is.
        for line in command.get("discussion", "").split("\n"):
            if line.startswith("  bridgehead "):
                assert line.strip() in done.stdout, (name, line)


@needs_man
def test_man_finds_the_pages_by_name(manual):
    done = render("-M", manual, "bridgehead-connect-sync")
    assert done.returncode == 0 and "connect sync" in done.stdout
