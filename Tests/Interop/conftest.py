# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the black-box tests: the product as a person runs it, and the real servers around it.

Scripts/test runs each file in network and process namespaces of its own, so that every server here may use its
standard port and nothing survives the file.
"""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ROOT / ".build/debug/bridgehead"


class Product:
    """Runs `bridgehead` and gives back what it printed."""

    def __init__(self, environment=None):
        self.environment = environment or {}

    def run(self, *arguments, check=True, timeout=300, **options):
        done = subprocess.run(
            [PRODUCT, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
            env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, **options)
        if check and done.returncode != 0:
            raise AssertionError(
                f"bridgehead {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, **options).stdout)

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [PRODUCT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, **options)


@pytest.fixture(scope="session")
def bridgehead():
    return Product()
