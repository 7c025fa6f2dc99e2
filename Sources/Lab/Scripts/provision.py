# SPDX-License-Identifier: Apache-2.0
"""Make the first domain controller of a forest in a directory whose smb.conf is already there.

Job: dc_dir, realm, domain (NetBIOS name), host, address, site, administrator_password.
"""
import os
import samba_job


def main():
    job = samba_job.read_job()
    from samba.auth import system_session
    from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
    from samba.provision import FILL_FULL, provision
    lp = samba_job.load_parameters(job["dc_dir"])
    samba_job.progress("provision", 0, 1)
    result = provision(
        samba_job.logger(), system_session(lp), targetdir=job["dc_dir"],
        smbconf=os.path.join(job["dc_dir"], "etc", "smb.conf"), samdb_fill=FILL_FULL,
        realm=job["realm"], domain=job["domain"], hostname=job["host"], hostip=job["address"],
        sitename=job["site"], adminpass=job["administrator_password"], serverrole="active directory domain controller",
        dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2, dns_backend="SAMBA_INTERNAL", lp=lp, skip_sysvolacl=True,
        use_ntvfs=True, backend_store="mdb", backend_store_size=samba_job.DATABASE_LIMIT, batch_mode=True)
    samba_job.progress("provision", 1, 1)
    samba_job.finish({"base": str(result.samdb.domain_dn()), "sid": str(result.samdb.get_domain_sid())})


main()
