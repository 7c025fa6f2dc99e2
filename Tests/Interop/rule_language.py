# SPDX-License-Identifier: Apache-2.0
"""What expressions and scopes mean, computed a second time: in Python, from what python ldap3 reads.

Each case is an expression and what it gives for an entry. A text stands for itself; where Python gives None the rule has no
value, and the attribute is empty.
"""
import base64
import datetime
import unicodedata
import uuid

from comparison import NEVER, first, sid, texts

ZERO = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)


def integer(entry, name):
    return int(first(entry, name) or 0)


def guid(entry):
    return uuid.UUID(bytes_le=entry["raw_attributes"]["objectGUID"][0])


def created(entry):
    return datetime.datetime.strptime(first(entry, "whenCreated"), "%Y%m%d%H%M%S.0Z").replace(tzinfo=datetime.timezone.utc)


def expires(entry):
    """None for never."""
    ticks = integer(entry, "accountExpires")
    return None if ticks in NEVER else ZERO + datetime.timedelta(microseconds=ticks // 10)


def iso(moment):
    return moment and moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def words(entry, name, separator=" "):
    return [word for word in (first(entry, name) or "").split(separator) if word]


def flag(condition):
    return "True" if condition else "False"


def parts(entry):
    """The values of the distinguished name's parts; what the tests make has no other escape than that of a comma."""
    name = entry["dn"].replace("\\,", "\0")
    return [part.split("=", 1)[1].replace("\0", ",") for part in name.split(",")]


def joined(values, separator="|"):
    values = list(values)
    return separator.join(values) if values else None


def without_marks(text):
    plain = {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
    return "".join(plain.get(c, c) for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def unique(values):
    seen = {}
    for value in values:
        seen.setdefault(value.lower(), value)
    return list(seen.values())


def addresses(entry):
    """All SMTP addresses, the primary one first, without its mark."""
    proxies, mail = texts(entry, "proxyAddresses"), first(entry, "mail")
    primary = next((p[5:] for p in proxies if p.startswith("SMTP:")), mail)
    others = sorted([p[5:] for p in proxies if p[:5].lower() == "smtp:"] + ([mail] if mail else []))
    return unique(([primary] if primary else []) + others)


def primary(entry):
    return next((p[5:] for p in texts(entry, "proxyAddresses") if p.startswith("SMTP:")), None)


def nickname(entry):
    candidates = [primary(entry), first(entry, "mail"), first(entry, "userPrincipalName")]
    candidates += sorted(p[5:] for p in texts(entry, "proxyAddresses") if p.startswith("smtp:"))
    return next((c.split("@")[0] for c in candidates if c), first(entry, "sAMAccountName"))


def is_verified(entry, site):
    name = first(entry, "userPrincipalName")
    return bool(name) and name.split("@")[1].lower() in {*site.tenant.verified, site.tenant.initial_domain}


ITEMS = 'Split([info], ",")'  # for example "Über alles,beta,alpha3,BETA"


def items(entry):
    return words(entry, "info", ",")


# By function: an expression that gives a text, and the same in Python.
FUNCTIONS = {
    "And": ('CStr(And(IsPresent([mail]), [department] = "sales"))',
            lambda e: flag(first(e, "mail") and first(e, "department").lower() == "sales")),
    "BinaryEquals": ("CStr(BinaryEquals([givenName], Lower([givenName])))",
                     lambda e: flag(first(e, "givenName") == first(e, "givenName").lower())),
    "BitAnd": ("CStr(BitAnd([userAccountControl], 514))", lambda e: str(integer(e, "userAccountControl") & 514)),
    "BitOr": ("CStr(BitOr([userAccountControl], 65536))", lambda e: str(integer(e, "userAccountControl") | 65536)),
    "CBool": ("CStr(CBool([pager]))", lambda e: flag(first(e, "pager") == "TRUE")),
    "CDate": ("CDate([whenCreated])", lambda e: iso(created(e))),
    "CGuid": ("StringFromGuid(CGuid(StringFromGuid([objectGUID])))", lambda e: str(guid(e))),
    "CNum": ("CStr(CNum([employeeNumber]) + 1)", lambda e: str(int(first(e, "employeeNumber")) + 1)),
    "CStr": ("CStr(CNum([employeeNumber]))", lambda e: first(e, "employeeNumber")),
    "Coalesce": ('Coalesce([mail], Null, "none")', lambda e: first(e, "mail") or "none"),
    "Contains": (f'CStr(Contains({ITEMS}, "BE"))', lambda e: str(next(i + 1 for i, t in enumerate(items(e)) if "BE" in t))),
    "ConvertFromBase64": ("ConvertFromBase64(ConvertToBase64([sn]) & \"\")", lambda e: first(e, "sn")),
    "ConvertFromUTF8Hex": ('ConvertFromUTF8Hex("C3A9") & [sn]', lambda e: "é" + first(e, "sn")),
    "ConvertToBase64": ("ConvertToBase64([objectGUID])",
                        lambda e: base64.b64encode(e["raw_attributes"]["objectGUID"][0]).decode()),
    "ConvertToUTF8Hex": ("ConvertToUTF8Hex([sn])", lambda e: first(e, "sn").encode().hex().upper()),
    "Count": ("CStr(Count([otherTelephone]))", lambda e: str(len(texts(e, "otherTelephone")))),
    "DNComponent": ("DNComponent([distinguishedName], 1)", lambda e: parts(e)[0]),
    "DNComponentRev": ("DNComponentRev([distinguishedName], 3)", lambda e: parts(e)[-3]),
    "DateAdd": ('DateAdd("h", -36, [whenCreated])', lambda e: iso(created(e) - datetime.timedelta(hours=36))),
    "DateFromNum": ("DateFromNum([accountExpires])", lambda e: iso(expires(e))),
    "DomainName": ("DomainName()", lambda e: ".".join(parts(e)[-2:])),
    "EndsWith": ('CStr(EndsWith([sn], "r"))', lambda e: flag(first(e, "sn").endswith("r"))),
    "EscapeDNComponent": ('EscapeDNComponent([sn] & ", " & [givenName])',
                          lambda e: f"{first(e, 'sn')}\\, {first(e, 'givenName')}"),
    "Error": ('IIF([sAMAccountName] = "nobody", Error("nobody"), "fine")', lambda e: "fine"),
    "First": (f"First({ITEMS})", lambda e: items(e)[0]),
    "ForestName": ("ForestName()", lambda e: ".".join(parts(e)[-2:])),
    "FormatDateTime": ('FormatDateTime([whenCreated], "dd.MM.yyyy HH-mm-ss")',
                       lambda e: created(e).strftime("%d.%m.%Y %H-%M-%S")),
    "Guid": ("StringFromGuid(Guid(StringFromGuid([objectGUID])))", lambda e: str(guid(e))),
    "IIF": ('IIF(IsPresent([mail]), "mail", "none")', lambda e: "mail" if first(e, "mail") else "none"),
    "InStr": ('CStr(InStr([sn], "e"))', lambda e: str(first(e, "sn").find("e") + 1)),
    "InStrRev": ('CStr(InStrRev([info], "a"))', lambda e: str(first(e, "info").rfind("a") + 1)),
    "InitialDomain": ("InitialDomain()", lambda e, site: site.tenant.initial_domain),
    "IsBitSet": ("CStr(IsBitSet([userAccountControl], 2))", lambda e: flag(integer(e, "userAccountControl") & 2)),
    "IsDate": ("CStr(IsDate([accountExpires]))", lambda e: flag(expires(e))),
    "IsEmpty": ("CStr(IsEmpty([mail]))", lambda e: flag(not first(e, "mail"))),
    "IsGuid": ("CStr(IsGuid(StringFromGuid([objectGUID])) && Not(IsGuid([sn])))", lambda e: "True"),
    "IsNull": ("CStr(IsNull([userPrincipalName]))", lambda e: flag(not first(e, "userPrincipalName"))),
    "IsNullOrEmpty": ("CStr(IsNullOrEmpty([mail]))", lambda e: flag(not first(e, "mail"))),
    "IsNumeric": ("CStr(IsNumeric([employeeNumber])) & CStr(IsNumeric([sn]))", lambda e: "TrueFalse"),
    "IsPast": ("CStr(IsPast([accountExpires]))",
               lambda e: flag(expires(e) and expires(e) < datetime.datetime.now(datetime.timezone.utc))),
    "IsPresent": ("CStr(IsPresent([mail]))", lambda e: flag(first(e, "mail"))),
    "IsString": ("CStr(IsString([sn])) & CStr(IsString([objectSid]))", lambda e: "TrueFalse"),
    "IsVerifiedDomain": ("CStr(IsVerifiedDomain([userPrincipalName]))", lambda e, site: flag(is_verified(e, site))),
    "Item": (f"Item({ITEMS}, 2)", lambda e: items(e)[1]),
    "ItemOrNull": (f"ItemOrNull({ITEMS}, CNum([employeeNumber]))",
                   lambda e: dict(enumerate(items(e), 1)).get(int(first(e, "employeeNumber")))),
    "ItemsContaining": (f'Join(ItemsContaining({ITEMS}, "et"), "|")', lambda e: joined(i for i in items(e) if "et" in i)),
    "ItemsEndingWith": (f'Join(ItemsEndingWith({ITEMS}, "a"), "|")', lambda e: joined(i for i in items(e) if i.endswith("a"))),
    "ItemsStartingWith": (f'Join(ItemsStartingWith({ITEMS}, "b"), "|")',
                          lambda e: joined(i for i in items(e) if i.startswith("b"))),
    "Join": (f'Join({ITEMS}, "; ")', lambda e: "; ".join(items(e))),
    "LCase": ("LCase([sn])", lambda e: first(e, "sn").lower()),
    "LTrim": ('"<" & LTrim([comment]) & ">"', lambda e: f"<{first(e, 'comment').lstrip(' ')}>"),
    "Left": ("Left([sn], 3)", lambda e: first(e, "sn")[:3]),
    "Len": ("CStr(Len([sn]))", lambda e: str(len(first(e, "sn")))),
    "List": ('Join(List([sn], Null, [givenName]), "|")', lambda e: f"{first(e, 'sn')}|{first(e, 'givenName')}"),
    "Lower": ("Lower([displayName])", lambda e: first(e, "displayName").lower()),
    "MailAddresses": ('Join(MailAddresses([proxyAddresses], [mail]), "|")',
                      lambda e: joined(("smtp:" if i else "SMTP:") + a for i, a in enumerate(addresses(e)))),
    "Mid": ("Mid([sn], 2, 3)", lambda e: first(e, "sn")[1:4]),
    "Nickname": ("Nickname()", nickname),
    "NormalizeDiacritics": ("NormalizeDiacritics([info])", lambda e: without_marks(first(e, "info"))),
    "Not": ("CStr(Not(IsPresent([mail])))", lambda e: flag(not first(e, "mail"))),
    "NumFromDate": ("CStr(NumFromDate([whenCreated]))", lambda e: str(int((created(e) - ZERO).total_seconds()) * 10_000_000)),
    "Or": ('CStr(Or(IsPresent([mail]), [department] = "Sales"))',
           lambda e: flag(first(e, "mail") or first(e, "department") == "Sales")),
    "PCase": ('PCase("ANNA maria-" & Upper([sAMAccountName]))',
              lambda e: "Anna Maria-" + first(e, "sAMAccountName").capitalize()),
    "PadLeft": ('PadLeft([employeeNumber], 6, "0")', lambda e: first(e, "employeeNumber").rjust(6, "0")),
    "PadRight": ('PadRight([employeeNumber], 6, "-")', lambda e: first(e, "employeeNumber").ljust(6, "-")),
    "PrimaryAddress": ("PrimaryAddress([proxyAddresses])", primary),
    "RTrim": ('"<" & RTrim([comment]) & ">"', lambda e: f"<{first(e, 'comment').rstrip(' ')}>"),
    "RemoveDuplicates": (f'Join(RemoveDuplicates({ITEMS}), "|")', lambda e: joined(unique(items(e)))),
    "Replace": ('Replace([info], "a", "aa")', lambda e: first(e, "info").replace("a", "aa")),
    "ReplaceChars": ('ReplaceChars([info], "a=ä,b=,t=tt")',
                     lambda e: first(e, "info").translate({ord("a"): "ä", ord("b"): "", ord("t"): "tt"})),
    "Right": ("Right([sn], 2)", lambda e: first(e, "sn")[-2:]),
    "Select": (f'Join(Select($item, {ITEMS}, "(" & $item & ")"), "")', lambda e: "".join(f"({i})" for i in items(e))),
    "Sid": ("CStr(BinaryEquals(Sid(StringFromSid([objectSid])), [objectSid]))", lambda e: "True"),
    "Split": (f"CStr(Count({ITEMS}))", lambda e: str(len(items(e)))),
    "StartsWith": ('CStr(StartsWith([sn], "M"))', lambda e: flag(first(e, "sn").startswith("M"))),
    "StringFromGuid": ("StringFromGuid([objectGUID])", lambda e: str(guid(e))),
    "StringFromSid": ("StringFromSid([objectSid])", sid),
    "Switch": ('Switch(Len([sn]) > 7, "long", Len([sn]) > 5, "middle", True, "short")',
               lambda e: "long" if len(first(e, "sn")) > 7 else "middle" if len(first(e, "sn")) > 5 else "short"),
    "ToLower": ("ToLower([sn])", lambda e: first(e, "sn").lower()),
    "ToUpper": ("ToUpper([sn])", lambda e: first(e, "sn").upper()),
    "Trim": ('"<" & Trim([comment]) & ">"', lambda e: f"<{first(e, 'comment').strip(' ')}>"),
    "UCase": ("UCase([givenName])", lambda e: first(e, "givenName").upper()),
    "Upper": ("Upper([sn])", lambda e: first(e, "sn").upper()),
    "Where": (f'Join(Where($item, {ITEMS}, Len($item) = 4), "|")', lambda e: joined(i for i in items(e) if len(i) == 4)),
    "With": (f"With($note, {ITEMS}, Item($note, Count($note)))", lambda e: items(e)[-1]),
    "Word": ("Word([info], 1)", lambda e: words(e, "info")[0]),
}

# By operator.
OPERATORS = {
    "=": ('CStr([department] = "SALES")', lambda e: flag(first(e, "department") == "Sales")),
    "<>": ('CStr([department] <> "SALES")', lambda e: flag(first(e, "department") != "Sales")),
    "<": ("CStr([employeeNumber] < 3)", lambda e: flag(int(first(e, "employeeNumber")) < 3)),
    "<=": ("CStr([employeeNumber] <= 3)", lambda e: flag(int(first(e, "employeeNumber")) <= 3)),
    ">": ("CStr([employeeNumber] > 3)", lambda e: flag(int(first(e, "employeeNumber")) > 3)),
    ">=": ("CStr([employeeNumber] >= 3)", lambda e: flag(int(first(e, "employeeNumber")) >= 3)),
    "&": ('Join(Upper([otherTelephone]) & "#", "|")',
          lambda e: joined(t.upper() + "#" for t in texts(e, "otherTelephone") or [""])),
    "+": ("CStr([employeeNumber] + 7)", lambda e: str(int(first(e, "employeeNumber")) + 7)),
    "-": ("CStr(-[employeeNumber] - 7)", lambda e: str(-int(first(e, "employeeNumber")) - 7)),
    "*": ("CStr(2 + [employeeNumber] * 3)", lambda e: str(2 + int(first(e, "employeeNumber")) * 3)),
    "/": ("CStr(100 / [employeeNumber])",
          lambda e: str(100 // int(first(e, "employeeNumber"))) if int(first(e, "employeeNumber")) else None),
    "&&": ('CStr(IsPresent([mail]) && [department] = "Sales")',
           lambda e: flag(first(e, "mail") and first(e, "department") == "Sales")),
    "||": ('CStr(IsPresent([mail]) || [department] = "Sales")',
           lambda e: flag(first(e, "mail") or first(e, "department") == "Sales")),
}

# What else may stand in an expression.
OTHERS = {
    "Null": ("IIF([employeeNumber] > 3, Null, [sn])", lambda e: None if int(first(e, "employeeNumber")) > 3 else first(e, "sn")),
    "CRLF": ("[sn] & CRLF & [givenName]", lambda e: f"{first(e, 'sn')}\r\n{first(e, 'givenName')}"),
    "IgnoreThisFlow": ("IIF([employeeNumber] > 3, IgnoreThisFlow, [sn])",
                       lambda e: None if int(first(e, "employeeNumber")) > 3 else first(e, "sn")),
    "&H1F": ("CStr(&H1F + 0x01)", lambda e: "32"),
    '""': ('"say ""hi"" to " & [givenName]', lambda e: f'say "hi" to {first(e, "givenName")}'),
    "each value": ('Join(Word([proxyAddresses], 2, ":") & "!", "|")',
                   lambda e: joined(p.split(":")[1] + "!" for p in texts(e, "proxyAddresses") or [":"])),
}

# By operator of scopes: a condition, and for whom it holds. `{group}` is the group of a site.
SCOPES = {
    "EQUAL": ("attribute: department, operator: EQUAL, value: sales", lambda e: first(e, "department") == "Sales"),
    "NOTEQUAL": ("attribute: department, operator: NOTEQUAL, value: sales", lambda e: first(e, "department") != "Sales"),
    "LESSTHAN": ("attribute: employeeNumber, operator: LESSTHAN, value: '3'", lambda e: int(first(e, "employeeNumber")) < 3),
    "LESSTHAN_OR_EQUAL": ("attribute: employeeNumber, operator: LESSTHAN_OR_EQUAL, value: '3'",
                          lambda e: int(first(e, "employeeNumber")) <= 3),
    "GREATERTHAN": ("attribute: employeeNumber, operator: GREATERTHAN, value: '3'",
                    lambda e: int(first(e, "employeeNumber")) > 3),
    "GREATERTHAN_OR_EQUAL": ("attribute: employeeNumber, operator: GREATERTHAN_OR_EQUAL, value: '3'",
                             lambda e: int(first(e, "employeeNumber")) >= 3),
    "CONTAINS": ("attribute: proxyAddresses, operator: CONTAINS, value: 'SIP:'",
                 lambda e: any("sip:" in p.lower() for p in texts(e, "proxyAddresses"))),
    "NOTCONTAINS": ("attribute: proxyAddresses, operator: NOTCONTAINS, value: 'SIP:'",
                    lambda e: not any("sip:" in p.lower() for p in texts(e, "proxyAddresses"))),
    "STARTSWITH": ("attribute: sn, operator: STARTSWITH, value: m", lambda e: first(e, "sn").lower().startswith("m")),
    "NOTSTARTSWITH": ("attribute: sn, operator: NOTSTARTSWITH, value: m",
                      lambda e: not first(e, "sn").lower().startswith("m")),
    "ENDSWITH": ("attribute: sn, operator: ENDSWITH, value: R", lambda e: first(e, "sn").lower().endswith("r")),
    "NOTENDSWITH": ("attribute: sn, operator: NOTENDSWITH, value: R", lambda e: not first(e, "sn").lower().endswith("r")),
    "ISNULL": ("attribute: mail, operator: ISNULL", lambda e: not first(e, "mail")),
    "ISNOTNULL": ("attribute: mail, operator: ISNOTNULL", lambda e: first(e, "mail")),
    "ISIN": ("attribute: otherTelephone, operator: ISIN, value: ['4-3', '9-1']",
             lambda e: {"4-3", "9-1"} & set(texts(e, "otherTelephone"))),
    "ISNOTIN": ("attribute: otherTelephone, operator: ISNOTIN, value: ['4-3', '9-1']",
                lambda e: not {"4-3", "9-1"} & set(texts(e, "otherTelephone"))),
    "ISBITSET": ("attribute: userAccountControl, operator: ISBITSET, value: 2", lambda e: integer(e, "userAccountControl") & 2),
    "ISBITNOTSET": ("attribute: userAccountControl, operator: ISBITNOTSET, value: 2",
                    lambda e: not integer(e, "userAccountControl") & 2),
    "ISMEMBEROF": ("operator: ISMEMBEROF, value: '{group}'", lambda e: int(first(e, "employeeNumber")) in (2, 4)),
    "ISNOTMEMBEROF": ("operator: ISNOTMEMBEROF, value: '{group}'", lambda e: int(first(e, "employeeNumber")) not in (2, 4)),
}
