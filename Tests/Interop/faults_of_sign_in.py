# SPDX-License-Identifier: Apache-2.0
"""Faults that only a check with credentials meets: tickets, signatures, rights."""
import contextlib

import ldap3

import peers
from faults import AD, RANGE, Catalogue, Fault

STRONGER_AUTH_REQUIRED, INSUFFICIENT_ACCESS_RIGHTS = 8, 50  # RFC 4511 4.1.9


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
        yield self.bound("the directory wants signatures: strongerAuthRequired", "ldap", 389, STRONGER_AUTH_REQUIRED,
                         {"signing-required"})

    def _sign_in_right(self):
        yield self.bound("a right is missing: insufficientAccessRights", "global-catalog", 3268, INSUFFICIENT_ACCESS_RIGHTS,
                         {"permission-denied"})

    def bound(self, words, row, port, code, diagnoses):
        host = self.host()
        address = self.address(host)
        return self.replaced(words, AD + row, host, address, port, diagnoses,
                             lambda a, p: peers.Changed(a, p, (address, port), peers.bind_result(code)))
