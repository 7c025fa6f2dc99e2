# SPDX-License-Identifier: Apache-2.0
"""Broken configurations: each error names file, line, cause and remedy, and never repeats a secret."""
import json

import jsonschema
import pytest
import yaml

GOOD = """\
version: 1
trust:
  roots: [/etc/bridgehead/roots.pem]
connect:
  database: /var/lib/bridgehead/connect.sqlite
  forests:
    - name: corp.example
      credentials:
        principal: svc-sync@CORP.EXAMPLE
        keytab: /etc/bridgehead/svc-sync.keytab
      organizationalUnits:
        include: ["OU=People,DC=corp,DC=example"]
  target:
    url: https://tenant.corp.example/scim/v2
    token: { file: /etc/bridgehead/token }
    verifiedDomains: [corp.example]
    initialDomain: corp.tenant.example
"""

TARGET = GOOD[GOOD.index("    url:"):]
SECOND = "    - name: one\n" + TARGET.replace("    ", "      ")

# What is replaced in the good file, by what, the line of the error, words of its cause, words of its remedy.
BROKEN = [
    ("version: 1", "version: 7", 1, "version must be a whole number from 1 to 1", "write a whole number"),
    ("version: 1\n", "", 1, "version is missing", "add it"),
    ("version: 1", "version: [1", 2, "not valid YAML", "check indentation"),
    ("trust:", "version: 1\ntrust:", 1, "the same key stands twice", "keep one"),
    ("  roots:", "  rots:", 3, "trust.rots is not a known property", "did you mean roots?"),
    ("[/etc/bridgehead/roots.pem]", "/etc/roots.pem", 3, "trust.roots must be a list", "write a list"),
    ("trust:\n", "trust:\n  revocation: maybe\n", 3, "must be one of require, prefer, off", "write one of"),
    ("trust:\n", "trust:\n  revocationGrace: 1 week\n", 3, "must be a duration", "write a duration"),
    ("  database: /var/lib/bridgehead/connect.sqlite\n", "", 5, "connect.database is missing", "add it"),
    ("name: corp.example", "name: corp..example", 7, "must be a DNS name", "write a DNS name"),
    ("svc-sync@CORP.EXAMPLE", "svc-sync", 9, "must be a Kerberos principal", "svc-sync@CORP.EXAMPLE"),
    ("        keytab: /etc/bridgehead/svc-sync.keytab\n", "", 9, "needs either keytab or password", "keep the one"),
    ("keytab: /etc/bridgehead/svc-sync.keytab", "password: hunter2-SECRET", 10, "not the secret itself", "{ file: PATH }"),
    ("keytab: /etc/bridgehead/svc-sync.keytab", "password: { file: /a, environment: B }", 10,
     "is not a reference to a secret", "{ file: PATH }"),
    ("OU=People,DC=corp,DC=example", "OU=People,DC=other,DC=example", 12, "lies in none of the domains", "DC parts"),
    ("OU=People,DC=corp,DC=example", "People", 12, "must be a distinguished name", "distinguished name"),
    ("https://tenant", "http://tenant", 14, "is not sealed", "use https"),
    ("https://tenant.corp.example/scim/v2", "ftp://tenant", 14, "must be an http or https URL", "URL"),
    ("verifiedDomains: [corp.example]", "verifiedDomains: []\n    concurrency: 0", 17, "from 1 to 64", "whole number"),
    ("initialDomain: corp.tenant.example", "initialDomain: ", 17, "must be a DNS name", "write a DNS name"),
    ("connect:\n", "connect: 5\nmore:\n", 4, "connect must be a mapping", "write a mapping"),
    (GOOD[GOOD.index("  target:"):], "", 5, "needs either target or targets", "name one cloud directory"),
    ("  target:\n" + TARGET, "  targets:\n" + SECOND + SECOND, 19, "connect.targets[1].name is one a second time",
     "a name of its own"),
    (GOOD, "", 1, "the file is empty", "config init"),
    (GOOD, "- 1\n", 1, "must be a mapping", "mapping"),
]


def test_targets_have_domains_of_their_own(bridgehead, tmp_path):
    file = tmp_path / "bridgehead.yaml"
    other = SECOND.replace("one", "two").replace("corp.tenant", "other")
    assert other.count("other") >= 1
    file.write_text(GOOD.replace("  target:\n" + TARGET, "  targets:\n" + SECOND + other))
    assert "is fine" in bridgehead.run("config", "validate", "--config", file).stdout


def test_the_good_file_is_fine(bridgehead, tmp_path):
    file = tmp_path / "bridgehead.yaml"
    file.write_text(GOOD)
    assert "is fine" in bridgehead.run("config", "validate", "--config", file).stdout


@pytest.mark.parametrize("old,new,line,cause,remedy", BROKEN, ids=[str(i) for i in range(len(BROKEN))])
def test_a_broken_file_is_explained(bridgehead, tmp_path, old, new, line, cause, remedy):
    assert old in GOOD
    file = tmp_path / "bridgehead.yaml"
    file.write_text(GOOD.replace(old, new, 1))
    done = bridgehead.run("config", "validate", "--config", file, check=False)
    assert done.returncode == 78, done.stderr
    first = next(text for text in done.stderr.splitlines() if cause in text)
    assert first.removeprefix("error: ").startswith(f"{file}:{line}:"), first
    assert remedy in first
    assert "hunter2" not in done.stdout + done.stderr
    faults = json.loads(bridgehead.run("config", "validate", "--json", "--config", file, check=False).stdout)
    assert any(cause in fault["message"] and fault["line"] == line for fault in faults)


def test_a_missing_or_foreign_file(bridgehead, tmp_path):
    done = bridgehead.run("config", "validate", "--config", tmp_path / "none.yaml", check=False)
    assert done.returncode == 78 and "no such file" in done.stderr and "config init" in done.stderr
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(bytes(range(128, 256)))
    done = bridgehead.run("config", "validate", "--config", binary, check=False)
    assert done.returncode == 78 and "not UTF-8" in done.stderr
    large = tmp_path / "large.yaml"
    large.write_text("# " + "x" * (1 << 20))
    done = bridgehead.run("config", "validate", "--config", large, check=False)
    assert done.returncode == 78 and "bytes, more than" in done.stderr
    deep = tmp_path / "deep.yaml"
    deep.write_text("version: 1\nconnect: " + "[" * 2000 + "]" * 2000)
    assert bridgehead.run("config", "validate", "--config", deep, check=False).returncode == 78


def test_the_template_is_valid_and_the_schema_accepts_it(bridgehead, tmp_path):
    file = tmp_path / "bridgehead.yaml"
    bridgehead.run("config", "init", "--output", file)
    bridgehead.run("config", "validate", "--config", file)
    schema = bridgehead.json("config", "schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(yaml.safe_load(file.read_text()))) == []
    assert list(validator.iter_errors(yaml.safe_load(GOOD.replace("  roots:", "  rots:")))) != []
    again = bridgehead.run("config", "init", "--output", file, check=False)
    assert again.returncode == 1 and "is there already" in again.stderr


def test_no_text_from_elsewhere_steers_the_terminal(bridgehead, tmp_path):
    """A name, here of a file and of a property, may hold what clears a screen or turns the direction of writing."""
    clear, turn = "\x1b[2J", "\u202e"
    file = tmp_path / f"{clear}{turn}.yaml"
    file.write_text(GOOD)
    done = bridgehead.run("config", "validate", "--config", file)
    assert "\\u001b[2J\\u202e.yaml is fine" in done.stdout
    file.write_text(GOOD + '"\\e[2J\\u009b31m": 1\n')
    done = bridgehead.run("config", "validate", "--config", file, check=False)
    assert done.returncode == 78 and "\\u001b[2J\\u009b31m is not a known property" in done.stderr, done.stderr
    told = bridgehead.run("config", "validate", "--json", "--config", file, check=False).stdout
    assert any("\x1b[2J\x9b31m is not a known property" in fault["message"] for fault in json.loads(told)), told
    for text in (done.stdout, done.stderr, told):
        assert not set(text) & {"\x1b", "\x9b", turn}
