// SPDX-License-Identifier: Apache-2.0

/// What `ports topology init --example` prints: every section, with documentation addresses (RFC 5737, RFC 3849).
enum TopologyExample {
  static let text = """
    # A topology: who plays which role, where, and what is in use. 'bridgehead ports plan' makes firewall rules of it.
    # yaml-language-server: $schema=topology.schema.json
    version: 1
    name: example-corp

    # What is in use; only what these need is opened. 'bridgehead ports list' shows the rows of each.
    features:
      - import                      # read users and groups
      - initial-configuration
      - password-hash-sync
      - password-writeback
      - seamless-sso
      - export                      # write to the cloud directory
      - revocation-checking
      - federation-management
      - federated-sign-in
      - device-authentication
      - certificate-authentication
      # - import-tls                # LDAPS in place of Kerberos sign and seal
      # - federation-installation   # AD FS with a group managed service account

    policy:
      stateful: true                              # answers pass by themselves; false: rules for answers too
      addressFamilies: [ipv4, ipv6]
      rpcPorts: ["50000", 50001-50010]            # RPC pinned on the domain controllers; without: 49152-65535
      certificateAuthentication: certauth-name    # 443 under certauth.<federation name>; or port-49443

    # Wherever a host stands: a name, addresses or networks, and a note that becomes a comment in the rules.
    connect:
      - name: sync1
        addresses: [192.0.2.10, "2001:db8:2::10"]
        note: active
      - name: sync2
        addresses: [192.0.2.11, "2001:db8:2::11"]
        note: staging

    forests:
      - name: corp.example                        # the root domain's name
        domains:
          - name: corp.example
            controllers:
              - name: dc1.corp.example
                addresses: [192.0.2.1, "2001:db8:2::1"]
                globalCatalog: true
              - name: dc2.corp.example
                addresses: [192.0.2.2, "2001:db8:2::2"]
                globalCatalog: true
          - name: eu.corp.example
            controllers:
              - name: dc1.eu.corp.example
                addresses: [198.51.100.1]
              - name: dc2.eu.corp.example
                addresses: [198.51.100.2]
              - name: rodc1.eu.corp.example       # Connect does not use it
                addresses: [198.51.100.3]
                readOnly: true
        # The same list as in bridgehead.yaml, where Connect may use some controllers only:
        # domainControllers: [dc1.corp.example, dc1.eu.corp.example]

    # Whom Connect asks for the forests' names; without this section, the domain controllers.
    resolvers:
      - name: ns1
        addresses: [192.0.2.53]

    # Names are never resolved into rules. Formats that know names or service tags use them; the others say what is missing.
    cloud:
      - name: sign-in
        dnsNames: [login.microsoftonline.com, "*.windows.net"]
        samples: [graph.windows.net]              # what a check tries of the wildcard
        serviceTag: AzureActiveDirectory
      - name: revocation-lists
        dnsNames: [crl3.digicert.com, ocsp.digicert.com]
        protocols: [http]

    # With an HTTP proxy, Connect needs only the proxy; the names above are the proxy's allow-list.
    outboundProxy:
      name: web-proxy
      addresses: [192.0.2.80]
      port: 8080
      # Where it wants a sign-in, for checks: never the password itself.
      # user: svc-sync
      # password: {file: /etc/bridgehead/proxy.password}

    federation:
      name: fs.corp.example
      servers:
        - name: fs1
          addresses: [192.0.2.21]
        - name: fs2
          addresses: [192.0.2.22]
      # One name, different targets inside and outside.
      views:
        - seenFrom: [connect, proxy]
          targets: [fs-vip]
        - seenFrom: [users]
          targets: [wap-vip]

    proxies:
      - name: wap1
        addresses: [203.0.113.31]
      - name: wap2
        addresses: [203.0.113.32]

    users:
      - name: internet
        addresses: [0.0.0.0/0]
      - name: branch
        addresses: [198.51.100.128/25]

    virtualAddresses:
      - name: fs-vip
        addresses: [192.0.2.20]
        nodes: [fs1, fs2]
        forwarding: full                          # nodes see the balancer; destination or direct: they see the client
        sourceAddresses: [192.0.2.19]
      - name: wap-vip
        addresses: [203.0.113.30]
        nodes: [wap1, wap2]
        forwarding: destination

    # Who is seen as what, by whom.
    translations:
      - hosts: [branch]
        seenBy: [proxy]
        seenAs: [198.51.100.99]

    """
}
