# SPDX-License-Identifier: Apache-2.0
"""Faults that only a check with credentials meets: tickets, signatures, rights."""
import contextlib

import ldap3

import wan
from faults import AD, RANGE, Catalogue, Fault
from strict_directory import StrictDirectory, closed_share

# Where the controller's directory is served a second time.
STRICT = "10.20.3.3"


class SignInCatalogue(Catalogue):
    prefix = "_sign_in"

    def host(self):
        """The credentials are those of the first forest."""
        return self.site.lab.forest["controllers"][0]["host"]

    def _sign_in_principals(self):
        """The controller's service principals for LDAP, of which the KDC knows none, or knows them as another account's."""
        host = self.host()
        blamed = {(row, "tcp", host) for row in (AD + "ldap", AD + "ldaps", AD + "global-catalog", RANGE)}
        for words, is_moved in (("service principal missing", False), ("service principal of another account", True)):
            yield Fault(words, blamed, {"wrong-service-principal"}, lambda is_moved=is_moved: self.taken(host, is_moved))

    @contextlib.contextmanager
    def taken(self, host, is_moved):
        forest = self.site.lab.forest
        with self.site.lab.administrator() as administrator:
            def find(filter, *attributes):
                administrator.search(forest["baseDN"], filter, ldap3.SUBTREE, attributes=list(attributes))
                return administrator.response[0]
            computer = find(f"(dNSHostName={host})", "servicePrincipalName")
            taken = [name for name in computer["attributes"]["servicePrincipalName"] if name.lower().startswith("ldap/")]
            other = find(f"(sAMAccountName={forest['plainAccount']['principal'].split('@')[0]})")["dn"]

            def change(name, how, values):
                administrator.modify(name, {"servicePrincipalName": [(how, values)]})
            change(computer["dn"], ldap3.MODIFY_DELETE, taken)
            if is_moved:
                change(other, ldap3.MODIFY_ADD, taken)
            try:
                yield
            finally:
                if is_moved:
                    change(other, ldap3.MODIFY_DELETE, taken)
                change(computer["dn"], ldap3.MODIFY_ADD, taken)

    def _sign_in_signing(self):
        host = self.host()

        @contextlib.contextmanager
        def make():
            with StrictDirectory(self.site, host, STRICT), wan.led("tcp", self.address(host), 636, STRICT):
                yield
        yield Fault("the directory wants signatures, inside TLS too", {(AD + "ldaps", "tcp", host)}, {"signing-required"},
                    make)

    def _sign_in_right(self):
        host = self.host()
        account = self.site.lab.forest["serviceAccount"]["principal"].split("@")[0]
        yield Fault("the account may not use IPC$", {(AD + "smb", "tcp", host)}, {"permission-denied"},
                    lambda: closed_share(self.site, host, "IPC$", account))
