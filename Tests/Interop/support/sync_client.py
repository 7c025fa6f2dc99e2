# SPDX-License-Identifier: Apache-2.0
"""A client of the Sync API that shares nothing with the product: tokens by MSAL, binary XML by pynettcp, HTTP by requests.
The messages have the layout that public clients of Entra ID send, written here as text."""
import datetime
import uuid
import xml.dom.minidom
from xml.sax.saxutils import escape

import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pynettcp.nbfx import BinaryXmlReader, BinaryXmlWriter, DictStr, StaticDictionary
from pynettcp.xmltree import events_to_element

CHANGE = "http://schemas.microsoft.com/online/aws/change/2010/01"
SCOPE = "https://graph.windows.net/.default"
MEDIA_TYPE = "application/soap+msbin1"


def certificate(directory, name="connect"):
    """A self-signed certificate with an RSA key, as an application registers it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256()))
    certificate_file, key_file = directory / f"{name}.pem", directory / f"{name}.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.touch(0o600)
    key_file.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate_file, key_file


def register(tenant, directory, name="sync", *options):
    """An application that may synchronise, with a certificate; its client id and its files."""
    certificate_file, key_file = certificate(directory, name)
    answer = tenant.product.json(
        "tenant", "apps", "create", "--config", tenant.configuration, "--json", "--name", name,
        "--grant", "client_credentials", "--certificate", certificate_file)
    assert "clientSecret" not in answer
    tenant.product.run("tenant", "sync", "allow", "--config", tenant.configuration, answer["clientId"], *options)
    return answer["clientId"], certificate_file, key_file


class Fault(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


class SyncClient:
    def __init__(self, tenant, client, certificate_file, key_file):
        self.tenant = tenant
        self.authority = f"https://{tenant.name}/{tenant.initial_domain}"
        thumbprint = x509.load_pem_x509_certificate(certificate_file.read_bytes()).fingerprint(hashes.SHA1()).hex()
        http = requests.Session()
        http.verify = tenant.lab.authority
        self.http = http
        self.app = msal.ConfidentialClientApplication(
            client, oidc_authority=self.authority, http_client=http,
            client_credential={"private_key": key_file.read_text(), "thumbprint": thumbprint})
        self.token = None

    def acquire(self):
        answer = self.app.acquire_token_for_client([SCOPE])
        assert "access_token" in answer, answer
        self.token = answer["access_token"]
        return self.token

    def call(self, operation, body, token=None):
        """The operation's result as an ElementTree element."""
        message = self.envelope(operation, body, token or self.token or self.acquire())
        answer = self.post(encode(message))
        assert answer.headers["Content-Type"] == MEDIA_TYPE, (answer.status_code, answer.text)
        return result(operation, answer.status_code, answer.content)

    def post(self, document, **headers):
        return self.http.post(
            f"https://{self.tenant.name}/provisioningservice.svc", data=document, timeout=60,
            headers={"Content-Type": MEDIA_TYPE, **headers})

    def envelope(self, operation, body, token):
        message = uuid.uuid4()
        parts = "".join(f'<{name} xmlns="{CHANGE}">{escape(value)}</{name}>' for name, value in [
            ("ApplicationId", "1651564e-7ce4-4d99-88be-0a65050d8dc3"), ("BearerToken", token), ("ClientVersion", "8.0"),
            ("DirSyncBuildNumber", "2.4.21.0"), ("FIMBuildNumber", "2.4.21.0"), ("IsInstalledOnDC", "False"),
            ("IssueDateTime", "0001-01-01T00:00:00"), ("LanguageId", "en-US"), ("LiveToken", ""),
            ("ProtocolVersion", "2.0"), ("RichCoexistenceEnabled", "False"), ("TrackingId", str(message))])
        return f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">
          <s:Header>
            <a:Action s:mustUnderstand="1">{CHANGE}/IProvisioningWebService/{operation}</a:Action>
            <SyncToken s:role="urn:microsoft.online.administrativeservice" xmlns="urn:microsoft.online.administrativeservice"
              xmlns:i="http://www.w3.org/2001/XMLSchema-instance">{parts}</SyncToken>
            <a:MessageID>urn:uuid:{message}</a:MessageID>
            <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>
            <a:To s:mustUnderstand="1">https://{self.tenant.name}/provisioningservice.svc</a:To>
          </s:Header>
          <s:Body>{body}</s:Body>
        </s:Envelope>"""

    # The operations, as a person's script would use them.

    def provision(self, kind, operation="Set", version="2", **properties):
        body = f"""<ProvisionAzureADSyncObjects{version} xmlns="{CHANGE}">
          <syncRequest xmlns:b="http://schemas.microsoft.com/online/aws/change/2014/06"
            xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
            <b:SyncObjects>
              <b:AzureADSyncObject>
                <b:PropertyValues xmlns:c="http://schemas.microsoft.com/2003/10/Serialization/Arrays">
                  {"".join(property_value(name, value) for name, value in properties.items())}
                </b:PropertyValues>
                <b:SyncObjectType>{kind}</b:SyncObjectType>
                <b:SyncOperation>{operation}</b:SyncOperation>
              </b:AzureADSyncObject>
            </b:SyncObjects>
          </syncRequest>
        </ProvisionAzureADSyncObjects{version}>"""
        found = self.call(f"ProvisionAzureADSyncObjects{version}", body)
        results = [members(element) for element in found.iter() if local(element) == "AzureADSyncObjectResult"]
        assert len(results) == 1
        return results[0]

    def read_back(self, cookie=None, full=True):
        given = (f"<inputCookie>{cookie}</inputCookie>" if cookie else
                 '<inputCookie i:nil="true" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"></inputCookie>')
        found = self.call("ReadBackAzureADSyncObjects2", f"""<ReadBackAzureADSyncObjects2 xmlns="{CHANGE}">
          <includeLicenseInformation>true</includeLicenseInformation>{given}
          <isFullSync>{full}</isFullSync></ReadBackAzureADSyncObjects2>""")
        objects = []
        for element in (e for e in found.iter() if local(e) == "AzureADSyncObject"):
            made = {child_name: child.text for child in element for child_name in [local(child)]}
            for pair in (e for e in element.iter() if local(e) == "KeyValueOfstringanyType"):
                key, value = list(pair)
                made[key.text] = [v.text for v in value] if len(value) else value.text
            objects.append(made)
        told = members(found)
        return objects, told.get("OutputCookie"), told.get("MoreObjectsAvailable") == "true"

    def set_password(self, value, date, force=False, **anchors):
        def anchor(name):
            return f"<b:{name}>{escape(anchors[name])}</b:{name}>" if name in anchors else f'<b:{name} i:nil="true"/>'
        found = self.call("ProvisionCredentials", f"""<ProvisionCredentials xmlns="{CHANGE}">
          <request xmlns:b="http://schemas.datacontract.org/2004/07/Microsoft.Online.Coexistence.Schema"
            xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
            <b:RequestItems>
              <b:SyncCredentialsChangeItem>
                <b:ChangeDate>{date}</b:ChangeDate>{anchor("CloudAnchor")}
                <b:CredentialData>{value}</b:CredentialData>
                <b:ForcePasswordChangeOnLogon>{str(force).lower()}</b:ForcePasswordChangeOnLogon>{anchor("SourceAnchor")}
                <b:WindowsLegacyCredentials i:nil="true"/><b:WindowsSupplementalCredentials i:nil="true"/>
              </b:SyncCredentialsChangeItem>
            </b:RequestItems>
          </request>
        </ProvisionCredentials>""")
        results = [members(e) for e in found.iter() if local(e) == "SyncCredentialsChangeResult"]
        assert len(results) == 1
        return results[0]

    def company(self):
        return self.call("GetCompanyConfiguration", f"""<GetCompanyConfiguration xmlns="{CHANGE}">
          <includeLicenseInformation>false</includeLicenseInformation></GetCompanyConfiguration>""")

    def set_features(self, number):
        return self.call("SetCompanyDirsyncFeatures", f"""<SetCompanyDirsyncFeatures xmlns="{CHANGE}">
          <dirsyncFeatures>{number}</dirsyncFeatures></SetCompanyDirsyncFeatures>""")


def property_value(name, value):
    schema = "xmlns:d='http://www.w3.org/2001/XMLSchema'"
    if isinstance(value, bool):
        text = f"<c:Value i:type='d:boolean' {schema}>{str(value).lower()}</c:Value>"
    elif isinstance(value, list):
        text = "<c:Value i:type='c:ArrayOfstring'>" + "".join(
            f"<c:string>{escape(v)}</c:string>" for v in value) + "</c:Value>"
    elif isinstance(value, dict):
        changes = [(1, a) for a in value.get("add", [])] + [(2, a) for a in value.get("remove", [])]
        text = "<c:Value i:type='SyncReferenceChangeCollection'><referenceChanges>" + "".join(
            f"<SyncReferenceChange><Reference><Anchor>{escape(a)}</Anchor>"
            f"<referenceTypeInt>{1 if '_' in a else 2}</referenceTypeInt></Reference>"
            f"<operationInt>{o}</operationInt></SyncReferenceChange>" for o, a in changes) + "</referenceChanges></c:Value>"
    elif value is None or value == "":
        text = f'<c:Value i:nil="true" {schema}></c:Value>'
    else:
        text = f"<c:Value i:type='d:string' {schema}>{escape(value)}</c:Value>"
    return f"<c:KeyValueOfstringanyType><c:Key>{name}</c:Key>{text}</c:KeyValueOfstringanyType>"


def encode(text):
    """Binary XML of a document, with whatever the static dictionary knows as numbers (MC-NBFS 2.1)."""
    known = StaticDictionary()

    def marked(name):
        return DictStr(name) if known.static_id(name) is not None else name

    writer = BinaryXmlWriter()

    def write(node):
        if node.nodeType == node.TEXT_NODE:
            writer.write_string(node.data)
        elif node.nodeType == node.ELEMENT_NODE:
            prefix, _, name = node.tagName.rpartition(":")
            writer.start_element(prefix, marked(name))
            for attribute in node.attributes.values():
                if attribute.name == "xmlns" or attribute.name.startswith("xmlns:"):
                    writer.xmlns(attribute.name.partition(":")[2], marked(attribute.value))
                else:
                    owner, _, name = attribute.name.rpartition(":")
                    writer.attribute(owner, marked(name), attribute.value)
            for child in node.childNodes:
                write(child)
            writer.end_element()

    write(xml.dom.minidom.parseString(text).documentElement)
    return writer.getvalue()


def decode(document):
    return events_to_element(BinaryXmlReader(document).read())


def local(element):
    return element.tag.rpartition("}")[2]


def members(element):
    return {local(child): child.text for child in element}


def result(operation, status, document):
    body = next(e for e in decode(document) if local(e) == "Body")
    first = body[0]
    if local(first) == "Fault":
        found = {local(e): e.text for e in first.iter()}
        raise Fault(found.get("ErrorCode"), found.get("Text"))
    assert status == 200 and local(first) == f"{operation}Response", (status, first.tag)
    assert local(first[0]) == f"{operation}Result"
    return first[0]
