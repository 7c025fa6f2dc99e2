// SPDX-License-Identifier: Apache-2.0

/// The style of every page. Text has a contrast of at least 7:1 in both schemes (WCAG 2.2: 1.4.6), targets are 44 pixels
/// high (2.5.5), and the focus is drawn in two colours, so that it shows on any ground (2.4.13).
package enum StyleSheet {
  package static let text = """
    :root { color-scheme: light dark; --text: #1b1b1f; --ground: #ffffff; --soft: #45464f; --line: #5c5e68;
      --action: #14418b; --on-action: #ffffff; --wrong: #8c0009; --wrong-ground: #fff1f0; }
    @media (prefers-color-scheme: dark) { :root { --text: #f2f0f4; --ground: #16171b; --soft: #c9c8d3; --line: #a3a2ad;
      --action: #b0c6ff; --on-action: #0a1f4d; --wrong: #ffb4ab; --wrong-ground: #2c1210; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--text); font: 1.125rem/1.5 system-ui, sans-serif; }
    main { max-width: 28rem; margin: 0 auto; padding: 2rem 1.25rem; }
    .site { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
    h1 { margin: .25rem 0 1.25rem; font-size: 1.75rem; line-height: 1.2; }
    .field { margin: 0 0 1.25rem; }
    label { display: block; font-weight: 600; }
    .hint { margin: 0; color: var(--soft); }
    input:not([type=hidden]) { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit;
      color: var(--text); background: var(--ground); border: 1px solid var(--line); border-radius: .25rem; }
    input[aria-invalid=true] { border: 2px solid var(--wrong); }
    .buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 0; }
    button { min-height: 2.75rem; padding: .5rem 1.5rem; font: inherit; font-weight: 600; color: var(--on-action);
      background: var(--action); border: 2px solid var(--action); border-radius: .25rem; cursor: pointer; }
    button.secondary { color: var(--action); background: var(--ground); }
    a { color: var(--action); }
    :focus-visible, .error:focus { outline: 3px solid var(--action); outline-offset: 2px;
      box-shadow: 0 0 0 6px var(--ground); }
    .error { margin: 1rem 0; padding: 1rem; border: 2px solid var(--wrong); border-left-width: .5rem;
      background: var(--wrong-ground); }
    .error h2 { margin: 0; font-size: 1.125rem; }
    .error p { margin: .25rem 0 0; }
    .error a { color: var(--wrong); }
    .code { font: 600 1.5rem/1.5 ui-monospace, monospace; letter-spacing: .1em; }

    """
}
