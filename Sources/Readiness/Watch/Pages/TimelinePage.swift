// SPDX-License-Identifier: Apache-2.0

import PortReference
import WebPages

/// The states of a flow within a window of time.
struct Timeline {
  /// Seconds since 1970.
  let start: Double
  let end: Double
  let states: [WatchState]

  /// The time for which something is known, and of it the share in which the flow worked, remarks aside; nil when nothing
  /// is known.
  var availability: Double? {
    var (known, working) = (0.0, 0.0)
    for part in parts {
      let length = part.end - part.start
      known += length
      if part.state.finding.verdict == .works || part.state.finding.verdict == .worksWithRemark { working += length }
    }
    return known > 0 ? working / known : nil
  }

  struct Part {
    var state: WatchState
    var start: Double
    var end: Double
  }

  /// What stands in the window. A state lasts to the beginning of the next one, unless there was a gap.
  var parts: [Part] {
    states.enumerated().compactMap { index, state in
      var last = state.until
      if index + 1 < states.count, states[index + 1].since - last <= gap { last = states[index + 1].since }
      let part = Part(state: state, start: max(state.since, start), end: min(last, end))
      return part.end >= part.start && state.until >= start ? part : nil
    }
  }

  /// A longer pause between two states is a time of which nothing is known.
  let gap: Double

  /// The width of the drawing, in its own units.
  private static let width = 1000.0

  /// A strip of colours, with everything that it shows in its description.
  func strip(_ name: String, id: String) -> HTML {
    let span = max(end - start, 1)
    func place(_ time: Double) -> Double { ((time - start) / span * Self.width * 10).rounded() / 10 }
    let rectangles = parts.map { part in
      HTML.element(
        "rect",
        [
          "class": part.state.finding.verdict.rawValue, "x": "\(place(part.start))", "y": "0",
          // A moment is seen, too.
          "width": "\(max(place(part.end) - place(part.start), 2))", "height": "24",
        ])
    }
    let frame = HTML.element(
      "rect", ["class": "unwatched", "x": "0", "y": "0", "width": "1000", "height": "24"])
    return .element(
      "svg",
      [
        "class": "strip", "viewBox": "0 0 1000 24", "preserveAspectRatio": "none", "role": "img",
        "aria-labelledby": "\(id)-title \(id)-text",
      ],
      [
        .element("title", ["id": "\(id)-title"], name), .element("desc", ["id": "\(id)-text"], words), frame,
      ] + rectangles)
  }

  private var words: String {
    let shown = parts.suffix(10).map { part in
      "\(Words.verdict(part.state.finding.verdict)) for \(Words.duration(part.end - part.start))"
    }
    guard !shown.isEmpty else { return "Nothing is known of this time." }
    return (parts.count > shown.count ? "Earlier changes left out; " : "") + shown.joined(separator: ", then ") + "."
  }

  var availabilityWords: String {
    guard let availability else { return "unknown" }
    // Rounded down: what failed once is not told as 100 %.
    return "\(Double(Int(availability * 10_000)) / 100) %"
  }
}

extension WatchPages {
  /// The windows that can be chosen, in hours.
  static let windows = [1, 6, 24, 168, 720]

  /// Every flow over time.
  func timeline(_ flows: [(WatchedFlow, Timeline)], hours: Int) -> String {
    let choices = Self.windows.map { window in
      HTML.element(
        "li", [:],
        [
          .element(
            "a", ["href": "/timeline?hours=\(window)", "aria-current": window == hours ? "true" : nil],
            window % 24 == 0 && window > 24 ? "\(window / 24) days" : "\(window) h")
        ])
    }
    let head = HTML.element(
      "tr", [:], ["Flow", "Now", "Worked", "Over time"].map { .element("th", ["scope": "col"], $0) })
    let body = flows.map { flow, timeline in
      let name = "\(flow.row) (\(Self.transport(flow))) to \(flow.host)"
      return HTML.element(
        "tr", [:],
        [
          .element("th", ["scope": "row"], [link(flow, [HTML.plain(name)])]),
          .element(
            "td", ["class": flow.finding.verdict.rawValue],
            "\(Words.sign(flow.finding.verdict)) \(Words.verdict(flow.finding.verdict))"),
          .element("td", [:], timeline.availabilityWords),
          .element("td", [:], [timeline.strip(name, id: "flow-\(flow.id)")]),
        ])
    }
    return page(
      "Flows over time", path: "/timeline",
      [
        summary(flows.map(\.0)),
        .element("nav", ["aria-label": "Window"], [.element("ul", [:], choices)]),
        .element(
          "div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-labelledby": "timelines"],
          [
            .element(
              "table", [:],
              [
                .element("caption", ["id": "timelines"], "The last \(Words.duration(Double(hours) * 3600))"),
                .element("thead", [:], [head]), .element("tbody", [:], body),
              ])
          ]),
        legend,
      ])
  }
}
