# SPDX-License-Identifier: Apache-2.0
"""What the lab's Samba scripts share: the job on stdin, progress on stderr, the result on stdout, the database."""
import json
import logging
import os
import sys


# How large a database may grow: address space of the mdb file, which is sparse.
DATABASE_LIMIT = 8 << 30


def read_job():
    """The job is one JSON object on standard input, so that no secret stands in an argument list."""
    return json.load(sys.stdin)


def progress(phase, done, total):
    print("progress\t%s\t%d\t%d" % (phase, done, total), file=sys.stderr, flush=True)


def finish(result):
    json.dump(result, sys.stdout)
    print()


def logger():
    """Samba's own messages go to stderr, where they are kept for the error text."""
    log = logging.getLogger("provision")
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.setLevel(logging.WARNING)
    return log


def load_parameters(dc_dir):
    from samba.param import LoadParm
    lp = LoadParm()
    lp.load(os.path.join(dc_dir, "etc", "smb.conf"))
    return lp


def open_database(dc_dir, index_cache=0):
    """The DC's own database, as SYSTEM, without the server. Loading thousands in one transaction is quadratic without the cache."""
    import ldb
    from samba.auth import system_session
    from samba.samdb import SamDB
    lp = load_parameters(dc_dir)
    options = ["batch_mode:1", "transaction_index_cache_size:%d" % index_cache] if index_cache else None
    return SamDB(
        url=os.path.join(dc_dir, "private", "sam.ldb"), session_info=system_session(lp), lp=lp,
        options=options, flags=ldb.FLG_NOSYNC if index_cache else 0)


def message(db, dn, attributes, flag=None):
    """An ldb message from a dictionary of lists of str or bytes."""
    import ldb
    result = ldb.Message(ldb.Dn(db, dn))
    for name, values in attributes.items():
        raw = [value if isinstance(value, bytes) else value.encode() for value in values]
        result[name] = ldb.MessageElement(raw, ldb.FLAG_MOD_ADD if flag is None else flag, name)
    return result
