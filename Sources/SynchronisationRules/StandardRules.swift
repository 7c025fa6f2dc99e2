// SPDX-License-Identifier: Apache-2.0

/// The rules that hold unless an administrator writes others: what Entra Connect synchronises for users, groups,
/// contacts and devices.
package enum StandardRules {
  package static let ruleSet = RuleSet(rules)

  /// The text is part of the program and a test reads it: a mistake in it shows as rules that are missing.
  static let rules: [SynchronisationRule] =
    (try? RuleFile.rules(in: yaml, file: "standard", standard: [])) ?? []

  package static let yaml = #"""
    rules:
      - name: User
        description: Users and inetOrgPersons make objects.
        precedence: 100
        from: user
        scope:
          - { attribute: isCriticalSystemObject, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a critical system object }
          - { attribute: sAMAccountName, operator: ISNOTNULL, otherwise: it has no sAMAccountName }
          - { attribute: sAMAccountName, operator: NOTSTARTSWITH, value: MSOL_, otherwise: it is a service account of another synchronisation tool }
          - { attribute: sAMAccountName, operator: NOTSTARTSWITH, value: AAD_, otherwise: it is a service account of another synchronisation tool }
          - { attribute: mailNickname, operator: NOTSTARTSWITH, value: 'SystemMailbox{', otherwise: it is a system mailbox }
          - { attribute: distinguishedName, operator: NOTCONTAINS, value: '\0ACNF:', otherwise: it lost a replication conflict }
        flows:
          - to: userPrincipalName
            expression: >-
              IIF(IsVerifiedDomain([userPrincipalName]), Trim([userPrincipalName]),
              IIF(IsPresent(Nickname()), Nickname() & "@" & InitialDomain(), Null))
          - { to: manager, reference: manager }

      - name: User account
        description: Whether users may sign in, disabled and expired accounts regarded.
        precedence: 110
        from: user
        link: join
        flows:
          - { to: accountEnabled, expression: 'Not(Or(IsBitSet([userAccountControl], 2), IsPast([accountExpires])))' }

      - name: User common
        description: Names, mail and organisation of users.
        precedence: 120
        from: user
        link: join
        flows:
          - { to: displayName, expression: 'Coalesce(First(Trim([displayName])), First(Trim([cn])), Trim([sAMAccountName]))' }
          - { to: givenName, direct: givenName }
          - { to: surname, direct: sn }
          - { to: mail, expression: 'Coalesce(First(Trim([mail])), PrimaryAddress([proxyAddresses]))' }
          - { to: proxyAddresses, expression: 'MailAddresses([proxyAddresses], [mail])' }
          - { to: jobTitle, direct: title }
          - { to: department, direct: department }
          - { to: companyName, direct: company }
          - { to: telephoneNumber, direct: telephoneNumber }
          - { to: mobile, direct: mobile }
          - { to: streetAddress, direct: streetAddress }
          - { to: city, direct: l }
          - { to: state, direct: st }
          - { to: postalCode, direct: postalCode }
          - { to: country, direct: c }
          - { to: employeeId, direct: employeeID }
          - { to: preferredLanguage, direct: preferredLanguage }
          - { to: onPremisesSecurityIdentifier, direct: objectSid }

      - name: Group
        description: Security and distribution groups make objects.
        precedence: 100
        from: group
        scope:
          - { attribute: isCriticalSystemObject, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a critical system object }
          - { attribute: sAMAccountName, operator: ISNOTNULL, otherwise: it has no sAMAccountName }
          # MS-ADTS 2.2.12: GROUP_TYPE_BUILTIN_LOCAL_GROUP.
          - { attribute: groupType, operator: ISBITNOTSET, value: 1, otherwise: it is a built-in group }
          - { attribute: sAMAccountName, operator: NOTEQUAL, value: MSOL_AD_Sync_RichCoexistence, otherwise: it is a group of another synchronisation tool }
          - { attribute: mailNickname, operator: NOTSTARTSWITH, value: 'SystemMailbox{', otherwise: it is a system mailbox }
          - { attribute: distinguishedName, operator: NOTCONTAINS, value: '\0ACNF:', otherwise: it lost a replication conflict }
        flows:
          - { to: members, reference: member }

      - name: Group common
        description: Names and mail of groups.
        precedence: 120
        from: group
        link: join
        flows:
          - { to: displayName, expression: 'Coalesce(First(Trim([displayName])), First(Trim([cn])), Trim([sAMAccountName]))' }
          - { to: description, direct: description }
          - { to: mail, expression: 'Coalesce(First(Trim([mail])), PrimaryAddress([proxyAddresses]))' }
          - { to: proxyAddresses, expression: 'MailAddresses([proxyAddresses], [mail])' }
          - { to: mailEnabled, expression: 'IsPresent(MailAddresses([proxyAddresses], [mail]))' }
          # MS-ADTS 2.2.12: GROUP_TYPE_SECURITY_ENABLED, the sign of a 32-bit number.
          - { to: securityEnabled, expression: 'CNum([groupType]) < 0' }

      - name: Contact
        description: Contacts with a mail address make objects.
        precedence: 100
        from: contact
        scope:
          - - { attribute: isCriticalSystemObject, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a critical system object }
            - { attribute: mailNickname, operator: NOTSTARTSWITH, value: 'SystemMailbox{', otherwise: it is a system mailbox }
            - { attribute: mailNickname, operator: NOTSTARTSWITH, value: 'CAS_{', otherwise: it is a system mailbox }
            - { attribute: displayName, operator: NOTCONTAINS, value: '(MSOL)', otherwise: it is a contact of another synchronisation tool }
            - { attribute: distinguishedName, operator: NOTCONTAINS, value: '\0ACNF:', otherwise: it lost a replication conflict }
            - { attribute: mail, operator: CONTAINS, value: '@', otherwise: it has no mail address }
          - - { attribute: isCriticalSystemObject, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a critical system object }
            - { attribute: mailNickname, operator: NOTSTARTSWITH, value: 'SystemMailbox{', otherwise: it is a system mailbox }
            - { attribute: mailNickname, operator: NOTSTARTSWITH, value: 'CAS_{', otherwise: it is a system mailbox }
            - { attribute: displayName, operator: NOTCONTAINS, value: '(MSOL)', otherwise: it is a contact of another synchronisation tool }
            - { attribute: distinguishedName, operator: NOTCONTAINS, value: '\0ACNF:', otherwise: it lost a replication conflict }
            - { attribute: proxyAddresses, operator: STARTSWITH, value: 'SMTP:', otherwise: it has no mail address }
            - { attribute: proxyAddresses, operator: CONTAINS, value: '@', otherwise: it has no mail address }
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
          - { to: extensionAttribute1, direct: extensionAttribute1 }
          - { to: extensionAttribute2, direct: extensionAttribute2 }
          - { to: extensionAttribute3, direct: extensionAttribute3 }
          - { to: extensionAttribute4, direct: extensionAttribute4 }
          - { to: extensionAttribute5, direct: extensionAttribute5 }
          - { to: extensionAttribute6, direct: extensionAttribute6 }
          - { to: extensionAttribute7, direct: extensionAttribute7 }
          - { to: extensionAttribute8, direct: extensionAttribute8 }
          - { to: extensionAttribute9, direct: extensionAttribute9 }
          - { to: extensionAttribute10, direct: extensionAttribute10 }
          - { to: extensionAttribute11, direct: extensionAttribute11 }
          - { to: extensionAttribute12, direct: extensionAttribute12 }
          - { to: extensionAttribute13, direct: extensionAttribute13 }
          - { to: extensionAttribute14, direct: extensionAttribute14 }
          - { to: extensionAttribute15, direct: extensionAttribute15 }

      - name: Device
        description: Computers that the device registration has given a certificate make objects.
        precedence: 100
        from: device
        scope:
          - { attribute: isCriticalSystemObject, operator: NOTEQUAL, value: 'TRUE', otherwise: it is a critical system object }
          - { attribute: userCertificate, operator: ISNOTNULL, otherwise: it is not registered as a device }
          - { attribute: distinguishedName, operator: NOTCONTAINS, value: '\0ACNF:', otherwise: it lost a replication conflict }
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
