// SPDX-License-Identifier: Apache-2.0

extension SchemaDefinition {
  /// Device: a computer of the organisation, so that it is known to the cloud by its certificate.
  ///
  /// RFC 7643 has no such resource; section 6 lets a service define its own.
  package static let device = SchemaDefinition(
    id: SCIMURI.device, name: "Device", description: "A computer of the organisation",
    attributes: [
      AttributeDefinition("displayName", "The name that is shown to people.", required: true),
      AttributeDefinition("active", .boolean, "Whether the device may be used."),
      AttributeDefinition("deviceId", "The device's own identifier, a GUID in text form."),
      AttributeDefinition("description", "What the device is for."),
      AttributeDefinition("operatingSystem", "The name of the operating system."),
      AttributeDefinition("operatingSystemVersion", "The version of the operating system."),
      AttributeDefinition(
        "trustType", "How the organisation knows the device: ServerAd for a member of its directory's domain.",
        canonicalValues: ["ServerAd", "AzureAd", "Workplace"]),
      AttributeDefinition("securityIdentifier", "The security identifier in the directory on the premises (S-1-…)."),
      .values(
        "x509Certificates", "Certificates of the device.",
        of: AttributeDefinition("value", .binary, "The certificate in DER, base64.")),
    ])
}

extension ResourceTypeDefinition {
  package static let device = ResourceTypeDefinition(
    name: "Device", endpoint: "/Devices", description: "Device", schema: .device)
}
