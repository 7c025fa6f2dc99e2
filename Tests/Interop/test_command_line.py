# SPDX-License-Identifier: Apache-2.0
"""The command line: help with examples, exit codes, the reference's rows, shell completion."""
import subprocess

import pytest

from environment import PRODUCT


def test_help_names_exit_codes_and_examples(bridgehead):
    text = bridgehead.run("--help").stdout
    assert "EXIT CODES" in text and "EXAMPLES" in text


def leaves(bridgehead, path=()):
    """Every command without subcommands, from the argument parser's own description."""
    description = bridgehead.json("--experimental-dump-help")["command"]

    def walk(command, path):
        inner = [sub for sub in command.get("subcommands", []) if sub["commandName"] != "help"]
        if not inner:
            yield path, command
        for sub in inner:
            yield from walk(sub, path + (sub["commandName"],))

    return list(walk(description, path))


def test_every_command_explains_itself(bridgehead):
    found = leaves(bridgehead)
    assert len(found) >= 5
    for path, command in found:
        if not command.get("shouldDisplay", True):
            continue
        assert command.get("abstract"), path
        assert "EXAMPLE" in command.get("discussion", ""), f"{path} has no examples"
        for argument in command.get("arguments", []):
            assert argument.get("abstract"), f"{path}: {argument.get('valueName')} has no help"


def test_usage_errors_have_their_own_exit_code(bridgehead):
    for arguments in (["nonsense"], ["ports", "list", "--table", "9"], ["ports", "list", "--json", "--markdown"]):
        done = bridgehead.run(*arguments, check=False)
        assert done.returncode == 64, arguments
        assert done.stdout == ""


def test_ports_list(bridgehead):
    rows = bridgehead.json("ports", "list", "--json")
    assert len(rows) == 18
    assert [row["id"] for row in bridgehead.json("ports", "list", "--table", "5", "--json")] == [
        "users-proxy/https", "users-proxy/certificate-authentication"]
    assert {row["table"] for row in bridgehead.json("ports", "list", "--role", "proxy", "--json")} == {4, 5}
    assert {row["id"] for row in bridgehead.json("ports", "list", "--feature", "password-hash-sync", "--json")} == {
        "connect-ad/rpc-endpoint-mapper", "connect-ad/rpc-dynamic"}
    assert bridgehead.run("ports", "list", "--markdown").stdout.count("\n| ") >= 18


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(bridgehead, shell, tmp_path):
    script = bridgehead.run("--generate-completion-script", shell).stdout
    assert "ports" in script
    if shell == "bash":
        file = tmp_path / "completion"
        file.write_text(script)
        subprocess.run(["bash", "-n", file], check=True)


def test_output_closed_early_is_no_crash():
    done = subprocess.run(["bash", "-c", f"{PRODUCT} ports list | head -n 1"], capture_output=True, text=True)
    assert done.stdout.startswith("ROW") and "rash" not in done.stderr
