// SPDX-License-Identifier: Apache-2.0

/// The style of the watch's pages: tables, strips of time, and a colour for each kind of verdict. Every pair of colours has a contrast of at least 4.5 (WCAG 2.2 1.4.3), in both schemes.
enum Style {
  static let sheet = """
    :root { color-scheme: light dark; --text: #1b1b1b; --back: #ffffff; --line: #767676; --soft: #f2f2f2;
      --link: #0b4fa8; --good: #0d5c23; --fair: #6b4700; --bad: #a11212; --open: #4b4b4b; }
    @media (prefers-color-scheme: dark) { :root { --text: #ededed; --back: #161616; --line: #8c8c8c; --soft: #242424;
      --link: #8fc0ff; --good: #7ddc94; --fair: #f0c26a; --bad: #ff9d9d; --open: #c4c4c4; } }
    * { box-sizing: border-box; }
    body { margin: 0; color: var(--text); background: var(--back); font: 1rem/1.5 system-ui, sans-serif; }
    header { display: flex; flex-wrap: wrap; gap: 0 2rem; align-items: baseline; padding: .5rem 1rem;
      border-bottom: 1px solid var(--line); }
    .application { font-weight: 600; margin: 0; }
    nav ul { display: flex; gap: 1rem; list-style: none; margin: 0; padding: 0; }
    main { padding: 0 1rem 2rem; max-width: 100rem; }
    main:focus { outline: none; }
    a { color: var(--link); }
    a:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
    .skip { position: absolute; left: -100rem; }
    .skip:focus { left: .5rem; top: .5rem; background: var(--back); padding: .5rem; }
    table { border-collapse: collapse; margin: 1rem 0; }
    caption { text-align: start; font-weight: 600; padding: .25rem 0; }
    th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: start; vertical-align: top; }
    thead th { background: var(--soft); }
    .scroll { overflow-x: auto; }
    .works { color: var(--good); } .works-with-remark { color: var(--fair); }
    .blocked, .refused, .wrong-service, .broken { color: var(--bad); font-weight: 600; } .inconclusive { color: var(--open); }
    ul.flows { list-style: none; margin: 0; padding: 0; }
    dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; } dt { font-weight: 600; }
    dd { margin: 0; } h1, h2, p, li, dd { overflow-wrap: anywhere; }
    @media (max-width: 30rem) { dl { grid-template-columns: minmax(0, 1fr); } }
    svg.strip { display: block; width: 100%; height: 1.5rem; forced-color-adjust: none; }
    .scroll svg.strip { min-width: 20rem; }
    svg .works { fill: #2e8b4a; } svg .works-with-remark { fill: #c98a00; } svg .inconclusive { fill: #8a8a8a; }
    svg .blocked, svg .refused, svg .wrong-service, svg .broken { fill: #c62828; } svg .unwatched { fill: none; stroke: #8a8a8a; }

    """
}
