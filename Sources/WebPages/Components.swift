// SPDX-License-Identifier: Apache-2.0

/// Says what went wrong before anything else on the page. It takes the focus and is announced (WCAG 2.2: 3.3.1, 4.1.3).
package struct ErrorSummary: Sendable {
  package var text: String
  /// The id of the field to go to; nil when no field can help.
  package var field: String?

  package init(_ text: String, field: String? = nil) {
    self.text = text
    self.field = field
  }

  var html: HTML {
    let content: HTML = field.map { "<a href=\"#\($0)\">\(text)</a>" } ?? "\(text)"
    return """
      <div class="error" role="alert" tabindex="-1" autofocus aria-labelledby="error-title" id="error">
      <h2 id="error-title">There is a problem</h2>
      <p>\(content)</p>
      </div>

      """
  }
}

/// One line of text with its label.
package struct TextField: Sendable {
  package enum Kind: String, Sendable {
    case text, password
  }

  /// Also the name that is sent.
  package var id: String
  package var label: String
  package var kind: Kind
  /// What password managers fill in (WHATWG HTML 4.10.18.7; WCAG 2.2: 1.3.5).
  package var autocomplete: String
  package var value: String
  package var hint: String?
  package var isInvalid: Bool
  package var hasFocus: Bool

  package init(
    id: String, label: String, kind: Kind = .text, autocomplete: String = "off", value: String = "",
    hint: String? = nil, isInvalid: Bool = false, hasFocus: Bool = false
  ) {
    self.id = id
    self.label = label
    self.kind = kind
    self.autocomplete = autocomplete
    self.value = value
    self.hint = hint
    self.isInvalid = isInvalid
    self.hasFocus = hasFocus
  }

  package var html: HTML {
    let described = [hint == nil ? nil : "\(id)-hint", isInvalid ? "error" : nil].compactMap { $0 }
    let description: HTML? =
      described.isEmpty ? nil : " aria-describedby=\"\(described.joined(separator: " "))\""
    let invalid: HTML? = isInvalid ? " aria-invalid=\"true\"" : nil
    let focus: HTML? = hasFocus ? " autofocus" : nil
    let hint: HTML? = hint.map { "<p class=\"hint\" id=\"\(id)-hint\">\($0)</p>\n" }
    return """
      <div class="field">
      <label for="\(id)">\(label)</label>
      \(hint)<input id="\(id)" name="\(id)" type="\(kind.rawValue)" value="\(value)" autocomplete="\(autocomplete)" \
      autocapitalize="none" spellcheck="false" required\(invalid)\(description)\(focus)>
      </div>

      """
  }
}

/// A form that is posted.
package struct PostForm: Sendable {
  package var action: String
  /// What is sent without being shown.
  package var hidden: [(name: String, value: String)]
  package var fields: [HTML]
  package var buttons: [Button]

  package init(action: String, hidden: [(name: String, value: String)], fields: [HTML] = [], buttons: [Button]) {
    self.action = action
    self.hidden = hidden
    self.fields = fields
    self.buttons = buttons
  }

  package var html: HTML {
    let hidden = hidden.map { field -> HTML in
      "<input type=\"hidden\" name=\"\(field.name)\" value=\"\(field.value)\">\n"
    }
    return """
      <form method="post" action="\(action)">
      \(hidden)\(fields)<p class="buttons">
      \(buttons.map(\.html))</p>
      </form>

      """
  }
}

package struct Button: Sendable {
  package var label: String
  /// Sent when this button was pressed; nil for a form with one button.
  package var choice: (name: String, value: String)?
  package var isPrimary: Bool

  package init(_ label: String, choice: (name: String, value: String)? = nil, isPrimary: Bool = true) {
    self.label = label
    self.choice = choice
    self.isPrimary = isPrimary
  }

  var html: HTML {
    let choice: HTML? = choice.map { " name=\"\($0.name)\" value=\"\($0.value)\"" }
    let style: HTML? = isPrimary ? nil : " class=\"secondary\""
    return "<button type=\"submit\"\(choice)\(style)>\(label)</button>\n"
  }
}
