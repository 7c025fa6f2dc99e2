# SPDX-License-Identifier: Apache-2.0
"""The tenant before a third-party judge: scim2-tester walks the whole protocol against a served tenant."""
import collections
import ssl

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_scim2_tester_finds_no_error(tenant, names, http2):
    context = ssl.create_default_context(cafile=tenant.lab.authority)
    versions = set()
    with httpx2.Client(
        base_url=tenant.url, verify=context, http2=http2, timeout=30,
        headers={"Authorization": f"Bearer {tenant.token}"},
        event_hooks={"response": [lambda response: versions.add(response.http_version)]},
    ) as http:
        results = check_server(SyncSCIMClient(http))
    assert versions == {"HTTP/2" if http2 else "HTTP/1.1"}
    counts = collections.Counter(result.status.name for result in results)
    print(dict(counts))
    for result in results:
        if result.status in (Status.DEVIATION, Status.SKIPPED):
            print(result.status.name, result.title, result.reason)
    # The tester adds a whole extension and then one value to a list in it, of which it expects to be the only one: RFC 7644 3.5.2.1
    # adds it to those that are there. No other extension has such a list.
    added = [result for result in results if result.title == "check_add_attribute" and "OnPremisesGroup:emails' was" in result.reason]
    assert len(added) <= 1 and all(result.reason.count("Emails(value=") == 3 for result in added)
    wrong = [
        f"{result.status.name} {result.resource_type or ''} {result.title}: {result.reason}"
        for result in results if result.status in (Status.ERROR, Status.CRITICAL) and result not in added
    ]
    assert not wrong, "\n".join(wrong)
    # Every kind of check has run: discovery, and the life of each resource type.
    assert counts["SUCCESS"] > 100, counts
    assert {result.resource_type for result in results} >= {"User", "Group", "Contact", "Device"}
