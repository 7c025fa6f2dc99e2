# SPDX-License-Identifier: Apache-2.0
"""Join a further domain controller to a forest whose first one is running. Its smb.conf is already in its directory.

Job: dc_dir, domain, netbios, realm, host, server (the running controller's full name), administrator_password.
"""
import sys

import samba_job


def main():
    job = samba_job.read_job()
    from samba.credentials import MUST_USE_KERBEROS, Credentials
    from samba.join import join_DC
    samba_job.progress("join", 0, 1)
    lp = samba_job.load_parameters(job["dc_dir"])
    credentials = Credentials()
    credentials.guess(lp)
    credentials.set_domain(job["netbios"])
    credentials.set_realm(job["realm"])
    credentials.set_username("Administrator")
    credentials.set_password(job["administrator_password"])
    credentials.set_kerberos_state(MUST_USE_KERBEROS)
    result, sys.stdout = sys.stdout, sys.stderr  # the join prints what it does
    join_DC(
        samba_job.logger(), server=job["server"], creds=credentials, lp=lp, netbios_name=job["host"],
        targetdir=job["dc_dir"], domain=job["domain"], dns_backend="SAMBA_INTERNAL", use_ntvfs=True, backend_store="mdb",
        backend_store_size=samba_job.DATABASE_LIMIT)
    sys.stdout = result
    samba_job.progress("join", 1, 1)
    samba_job.finish({})


main()
