# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the black-box tests: the product as a person runs it, and the real servers around it.

Scripts/test runs each file in network and process namespaces of its own, so that every server here may use its
standard port and nothing survives the file.
"""
import pathlib
import sys

import pytest

# What the tests share stands apart from them; support/README.md lists it.
sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

from environment import Connect, Lab, Product, Tenant, resolving


@pytest.fixture(scope="session")
def bridgehead():
    return Product()


@pytest.fixture(scope="module")
def lab(request, tmp_path_factory):
    """The module's forests; LAB in the module says what they should be."""
    options = getattr(request.module, "LAB", ["--users", 1000, "--groups", 100])
    lab = Lab(tmp_path_factory.mktemp("lab"), *options)
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def tenant(lab, tmp_path_factory):
    tenant = Tenant(lab, tmp_path_factory.mktemp("tenant"))
    yield tenant
    tenant.stop()


@pytest.fixture(scope="module")
def connect(lab, tenant, tmp_path_factory):
    return Connect(lab, tenant, tmp_path_factory.mktemp("connect"))


@pytest.fixture
def new_tenant(lab, tmp_path):
    """A tenant that nobody has written to."""
    tenant = Tenant(lab, tmp_path / "tenant")
    yield tenant
    tenant.stop()


@pytest.fixture
def new_connect(lab, new_tenant, tmp_path):
    """Connect to that tenant, before its first run."""
    return Connect(lab, new_tenant, tmp_path / "connect")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A forest that is up in seconds."""
    lab = Lab(tmp_path_factory.mktemp("lab"), "--users", 50, "--groups", 5)
    yield lab
    lab.down()


@pytest.fixture
def small_tenant(small, tmp_path):
    """A tenant of the small forest that nobody has written to."""
    tenant = Tenant(small, tmp_path / "tenant")
    yield tenant
    tenant.stop()


@pytest.fixture
def names(tenant):
    """Lets Python's clients find the tenant by its name."""
    with resolving(tenant.names):
        yield


@pytest.fixture
def small_connect(small, small_tenant, tmp_path):
    """Connect from the small forest to that tenant, before its first run."""
    return Connect(small, small_tenant, tmp_path / "connect")
