// SPDX-License-Identifier: Apache-2.0

/// The smb.conf of one domain controller: all its files, sockets and addresses are its own.
struct SambaConfiguration {
  var directory: String
  var forest: ForestPlan
  var controller: ForestPlan.Controller
  var certificateChain: String
  var privateKey: String
  var authority: String

  var file: String { "\(directory)/etc/smb.conf" }

  var text: String {
    """
    # Written by bridgehead: changes are lost at the next start.
    [global]
    \tnetbios name = \(controller.host)
    \trealm = \(forest.realm)
    \tworkgroup = \(forest.netbios)
    \tserver role = active directory domain controller
    \tinterfaces = \(controller.address)/8
    \tbind interfaces only = yes
    \tdisable netbios = yes
    \tserver services = s3fs, rpc, ldap, cldap, kdc, drepl, kcc, dns, winbindd
    \tprivate dir = \(directory)/private
    \tlock directory = \(directory)
    \tstate directory = \(directory)/state
    \tcache directory = \(directory)/cache
    \tbinddns dir = \(directory)/bind-dns
    \tpid directory = \(directory)/run
    \tncalrpc dir = \(directory)/run/ncalrpc
    \twinbindd socket directory = \(directory)/run/winbindd
    \tntp signd socket directory = \(directory)/run/ntp_signd
    \tlogging = file
    \tlog file = \(directory)/log.samba
    \tlog level = 1
    \tdns update command = /bin/true\(forest.forwarder.map { "\n\tdns forwarder = \($0)" } ?? "")
    \tldap server require strong auth = allow_sasl_over_tls
    \ttls enabled = yes
    \ttls certfile = \(certificateChain)
    \ttls keyfile = \(privateKey)
    \ttls cafile = \(authority)
    \tldb:nosync = true
    \tdreplsrv:periodic_startup_interval = 1
    \tdreplsrv:periodic_interval = 5
    \tdreplsrv:notify_interval = 1
    \tkccsrv:periodic_startup_interval = 1

    [sysvol]
    \tpath = \(directory)/state/sysvol
    \tread only = no

    [netlogon]
    \tpath = \(directory)/state/sysvol/\(forest.name)/scripts
    \tread only = no

    """
  }
}
