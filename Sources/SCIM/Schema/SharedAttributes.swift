// SPDX-License-Identifier: Apache-2.0

/// Attributes of persons that several schemas have (RFC 7643 4.1.2).
extension AttributeDefinition {
  static let emails = AttributeDefinition.values(
    "emails", "Electronic mail addresses.", of: AttributeDefinition("value", "The address."),
    types: ["work", "home", "other"])

  static let phoneNumbers = AttributeDefinition.values(
    "phoneNumbers", "Telephone numbers.", of: AttributeDefinition("value", "The number, if possible as RFC 3966."),
    types: ["work", "home", "mobile", "fax", "pager", "other"])

  static let addresses = AttributeDefinition(
    "addresses", .complex, "Postal addresses.", multiValued: true,
    subAttributes: [
      AttributeDefinition("formatted", "The whole address, with line breaks."),
      AttributeDefinition("streetAddress", "Street and house number."),
      AttributeDefinition("locality", "The city."),
      AttributeDefinition("region", "The state or region."),
      AttributeDefinition("postalCode", "The postal code."),
      AttributeDefinition("country", "The country's ISO 3166-1 alpha-2 code."),
      AttributeDefinition("type", "What the address is used for.", canonicalValues: ["work", "home", "other"]),
      AttributeDefinition("primary", .boolean, "Whether this is the preferred address; at most one is."),
    ])
}
