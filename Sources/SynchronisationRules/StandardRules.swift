// SPDX-License-Identifier: Apache-2.0

/// The rules that hold unless an administrator writes others: what Entra Connect synchronises for users, groups,
/// contacts and devices.
package enum StandardRules {
  package static let ruleSet = RuleSet(rules)

  /// The text is part of the program and a test reads it: a mistake in it shows as rules that are missing.
  static let rules: [SynchronisationRule] =
    (try? RuleFile.rules(in: yaml, file: "standard", standard: [])) ?? []

  // MARK: What several rules have

  private static let critical =
    "{ attribute: isCriticalSystemObject, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a critical system object }"
  private static let conflict =
    #"{ attribute: distinguishedName, operator: NOTCONTAINS, value: '\0ACNF:', otherwise: it lost a replication conflict }"#
  private static let systemMailbox =
    "{ attribute: mailNickname, operator: NOTSTARTSWITH, value: 'SystemMailbox{', otherwise: it is a system mailbox }"
  private static let clientAccessMailbox =
    "{ attribute: mailNickname, operator: NOTSTARTSWITH, value: 'CAS_{', otherwise: it is a system mailbox }"

  /// Recipients of Exchange's own that do not work in the cloud: mail-enabled public folders, system attendants, mailboxes of
  /// databases, groups, mailbox plans and discovery mailboxes, 0x21C07000 together.
  private static let recipients = ["0x1000", "0x2000", "0x4000", "0x400000", "0x800000", "0x1000000", "0x20000000"]
    .map { bit in
      "{ attribute: msExchRecipientTypeDetails, operator: ISBITNOTSET, value: \(bit), otherwise: it is a recipient of Exchange's own }"
    }.joined(separator: "\n      - ")

  /// What groups have to fulfil besides being good for something in the cloud.
  private static let group = """
    \(critical)
            - { attribute: sAMAccountName, operator: ISNOTNULL, otherwise: it has no sAMAccountName }
            # MS-ADTS 2.2.12: GROUP_TYPE_BUILTIN_LOCAL_GROUP.
            - { attribute: groupType, operator: ISBITNOTSET, value: 1, otherwise: it is a built-in group }
            - { attribute: sAMAccountName, operator: NOTEQUAL, value: MSOL_AD_Sync_RichCoexistence, otherwise: it is a group of another synchronisation tool }
            - { attribute: adminDescription, operator: NOTSTARTSWITH, value: Group_, otherwise: it was written here from the cloud }
            - { attribute: msExchRecipientTypeDetails, operator: ISBITNOTSET, value: 0x40000000, otherwise: it is a role group of Exchange }
            - \(systemMailbox)
            - \(conflict)
    """

  /// What contacts have to fulfil besides having an address and not being another tool's: those are hidden, with (MSOL) in
  /// their names.
  private static let contact = """
    \(critical)
            - \(systemMailbox)
            - \(clientAccessMailbox)
            - \(conflict)
    """

  private static let withoutAddress = "otherwise: it is a distribution group without a mail address"

  private static let extensionAttributes = (1...15)
    .map { "{ to: extensionAttribute\($0), direct: extensionAttribute\($0) }" }.joined(separator: "\n      - ")

  /// The domain of the entry, of the DC parts of its distinguished name.
  private static let domain =
    #"Replace(Mid([distinguishedName], InStr([distinguishedName], ",DC=") + 4), ",DC=", ".")"#

  package static let yaml = #"""
    rules:
      - name: User
        description: Users and inetOrgPersons make objects.
        precedence: 100
        from: user
        scope:
          - \#(critical)
          - { attribute: sAMAccountName, operator: ISNOTNULL, otherwise: it has no sAMAccountName }
          - { attribute: sAMAccountName, operator: NOTSTARTSWITH, value: MSOL_, otherwise: it is a service account of another synchronisation tool }
          - { attribute: sAMAccountName, operator: NOTSTARTSWITH, value: AAD_, otherwise: it is a service account of another synchronisation tool }
          - { attribute: sAMAccountName, operator: NOTEQUAL, value: SUPPORT_388945a0, otherwise: it is the support account of an earlier Windows }
          - { attribute: sAMAccountName, operator: NOTSTARTSWITH, value: 'CAS_{', otherwise: it is a system mailbox }
          - { attribute: adminDescription, operator: NOTSTARTSWITH, value: User_, otherwise: it was written here from the cloud }
          - \#(systemMailbox)
          - \#(clientAccessMailbox)
          - \#(recipients)
          - \#(conflict)
        flows:
          - to: userPrincipalName
            expression: >-
              IIF(IsVerifiedDomain([userPrincipalName]), Trim([userPrincipalName]),
              IIF(IsPresent(Nickname()), Nickname() & "@" & InitialDomain(), Null))
          - { to: manager, reference: manager }

      - name: User account
        description: Whether users may sign in, disabled and expired accounts regarded, and what their accounts are here.
        precedence: 110
        from: user
        link: join
        flows:
          - { to: accountEnabled, expression: 'Not(Or(IsBitSet([userAccountControl], 2), IsPast([accountExpires])))' }
          - { to: onPremisesSecurityIdentifier, direct: objectSid }
          - { to: onPremisesSamAccountName, direct: sAMAccountName }
          - { to: onPremisesDistinguishedName, direct: distinguishedName }
          - { to: onPremisesDomainName, expression: '\#(domain)' }

      - name: User common
        description: Names, mail and organisation of users.
        precedence: 120
        from: user
        link: join
        flows:
          - { to: displayName, expression: 'Coalesce(First(Trim([displayName])), First(Trim([cn])), Trim([sAMAccountName]))' }
          - { to: givenName, direct: givenName }
          - { to: surname, direct: sn }
          - { to: initials, direct: initials }
          - { to: description, expression: 'Left(First(Trim([description])), 448)' }
          - { to: mail, expression: 'Coalesce(First(Trim([mail])), PrimaryAddress([proxyAddresses]))' }
          - { to: proxyAddresses, expression: 'MailAddresses([proxyAddresses], [mail])' }
          - { to: jobTitle, direct: title }
          - { to: department, direct: department }
          - { to: companyName, direct: company }
          - { to: physicalDeliveryOfficeName, direct: physicalDeliveryOfficeName }
          - { to: telephoneNumber, direct: telephoneNumber }
          - { to: otherTelephone, direct: otherTelephone }
          - { to: homePhone, direct: homePhone }
          - { to: mobile, direct: mobile }
          - { to: facsimileTelephoneNumber, direct: facsimileTelephoneNumber }
          - { to: streetAddress, direct: streetAddress }
          - { to: city, direct: l }
          - { to: state, direct: st }
          - { to: postalCode, direct: postalCode }
          - { to: country, direct: c }
          - { to: wwwHomePage, direct: wWWHomePage }
          - { to: employeeId, direct: employeeID }
          - { to: preferredLanguage, direct: preferredLanguage }
          - \#(extensionAttributes)

      - name: User Exchange
        description: What Exchange knows of users that it knows.
        precedence: 130
        from: user
        link: join
        scope:
          - { attribute: mailNickname, operator: ISNOTNULL, otherwise: Exchange does not know it }
        flows:
          - { to: mailNickname, direct: mailNickname }
          - { to: targetAddress, direct: targetAddress }
          - { to: hideFromAddressLists, direct: msExchHideFromAddressLists }

      - name: Group
        description: Security groups, and distribution groups with a mail address, make objects.
        precedence: 100
        from: group
        scope:
          - - \#(group)
            # MS-ADTS 2.2.12: GROUP_TYPE_SECURITY_ENABLED.
            - { attribute: groupType, operator: ISBITSET, value: 0x80000000, \#(withoutAddress) }
          - - \#(group)
            - { attribute: mail, operator: CONTAINS, value: '@', \#(withoutAddress) }
          - - \#(group)
            - { attribute: proxyAddresses, operator: STARTSWITH, value: 'SMTP:', \#(withoutAddress) }
            - { attribute: proxyAddresses, operator: CONTAINS, value: '@', \#(withoutAddress) }
        flows:
          - { to: members, reference: member }
          - { to: managedBy, reference: managedBy }

      - name: Group common
        description: Names and mail of groups, and what they are here.
        precedence: 120
        from: group
        link: join
        flows:
          - { to: displayName, expression: 'Coalesce(First(Trim([displayName])), First(Trim([cn])), Trim([sAMAccountName]))' }
          - { to: description, expression: 'Left(First(Trim([description])), 448)' }
          - { to: mail, expression: 'Coalesce(First(Trim([mail])), PrimaryAddress([proxyAddresses]))' }
          - { to: proxyAddresses, expression: 'MailAddresses([proxyAddresses], [mail])' }
          - { to: mailNickname, direct: mailNickname }
          - { to: hideFromAddressLists, direct: msExchHideFromAddressLists }
          # MS-ADTS 2.2.12: GROUP_TYPE_SECURITY_ENABLED, the sign of a 32-bit number.
          - { to: securityEnabled, expression: 'CNum([groupType]) < 0' }
          - { to: onPremisesSecurityIdentifier, direct: objectSid }
          - { to: onPremisesSamAccountName, direct: sAMAccountName }
          - { to: onPremisesDomainName, expression: '\#(domain)' }
          - \#(extensionAttributes)

      - name: Contact
        description: Contacts with a mail address make objects.
        precedence: 100
        from: contact
        scope:
          - - \#(contact)
            - { attribute: mail, operator: CONTAINS, value: '@', otherwise: it has no mail address }
            - { attribute: displayName, operator: NOTCONTAINS, value: '(MSOL)', otherwise: it is a contact of another synchronisation tool }
          - - \#(contact)
            - { attribute: mail, operator: CONTAINS, value: '@', otherwise: it has no mail address }
            - { attribute: msExchHideFromAddressLists, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a contact of another synchronisation tool }
          - - \#(contact)
            - { attribute: proxyAddresses, operator: STARTSWITH, value: 'SMTP:', otherwise: it has no mail address }
            - { attribute: proxyAddresses, operator: CONTAINS, value: '@', otherwise: it has no mail address }
            - { attribute: displayName, operator: NOTCONTAINS, value: '(MSOL)', otherwise: it is a contact of another synchronisation tool }
          - - \#(contact)
            - { attribute: proxyAddresses, operator: STARTSWITH, value: 'SMTP:', otherwise: it has no mail address }
            - { attribute: proxyAddresses, operator: CONTAINS, value: '@', otherwise: it has no mail address }
            - { attribute: msExchHideFromAddressLists, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a contact of another synchronisation tool }
        flows:
          - { to: manager, reference: manager }

      - name: Contact common
        description: Names, mail and organisation of contacts.
        precedence: 120
        from: contact
        link: join
        flows:
          - { to: displayName, expression: 'Coalesce(First(Trim([displayName])), First(Trim([cn])))' }
          - { to: givenName, direct: givenName }
          - { to: surname, direct: sn }
          - { to: initials, direct: initials }
          - { to: description, direct: description }
          - { to: mail, expression: 'Coalesce(First(Trim([mail])), PrimaryAddress([proxyAddresses]))' }
          - { to: proxyAddresses, expression: 'MailAddresses([proxyAddresses], [mail])' }
          - { to: mailNickname, direct: mailNickname }
          - { to: targetAddress, direct: targetAddress }
          - { to: hideFromAddressLists, direct: msExchHideFromAddressLists }
          - { to: jobTitle, direct: title }
          - { to: department, direct: department }
          - { to: companyName, direct: company }
          - { to: physicalDeliveryOfficeName, direct: physicalDeliveryOfficeName }
          - { to: telephoneNumber, direct: telephoneNumber }
          - { to: otherTelephone, direct: otherTelephone }
          - { to: homePhone, direct: homePhone }
          - { to: mobile, direct: mobile }
          - { to: facsimileTelephoneNumber, direct: facsimileTelephoneNumber }
          - { to: streetAddress, direct: streetAddress }
          - { to: city, direct: l }
          - { to: state, direct: st }
          - { to: postalCode, direct: postalCode }
          - { to: country, direct: c }
          - { to: wwwHomePage, direct: wWWHomePage }
          - \#(extensionAttributes)

      - name: Device
        description: Computers that the device registration has given a certificate make objects.
        precedence: 100
        from: device
        scope:
          - \#(critical)
          - { attribute: userCertificate, operator: ISNOTNULL, otherwise: it is not registered as a device }
          - \#(conflict)
        flows:
          - { to: displayName, expression: 'Coalesce(First(Trim([displayName])), First(Trim([cn])))' }
          - { to: description, direct: description }
          - { to: deviceId, expression: 'StringFromGuid([objectGUID])' }
          - { to: deviceTrustType, constant: ServerAd }
          - { to: accountEnabled, expression: 'Not(IsBitSet([userAccountControl], 2))' }
          - { to: operatingSystem, direct: operatingSystem }
          - { to: operatingSystemVersion, direct: operatingSystemVersion }
          - { to: onPremisesSecurityIdentifier, direct: objectSid }
          - { to: userCertificate, direct: userCertificate }
    """#
}
