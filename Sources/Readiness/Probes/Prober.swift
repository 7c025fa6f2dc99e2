// SPDX-License-Identifier: Apache-2.0

package import PortReference

/// Talks to a target in the way of one row and one transport, and says what it saw. It never judges: `diagnose` does.
///
/// # Adding a prober
///
/// 1. One file a prober, in a folder of its row's family (`Probes/Kerberos/KerberosUDPProber.swift`); one line in
///    ``ProberTable/standard``. Protocol messages live in the protocol's target; a prober only conducts them.
/// 2. Open TCP with `context.sockets.connect(target, log)`, which writes the connect phase with every way to fail, and make
///    a NIO channel of the result (``ConnectedSocket/channel(on:_:)``), or use ``ConnectedSocket/exchange(_:limit:log:…)``
///    for protocols of one question and one answer. Ask over UDP with `context.sockets.ask(…)`. When they return nil, the
///    observation is in the log already: return.
/// 3. Wrap each step in ``ConversationLog/phase(_:sent:_:)``: words for people, no secrets, no raw bytes. After a step that
///    succeeded call `log.reached(…)`: ``Depth/service`` only for an answer that no other service gives;
///    ``Depth/authenticated`` and ``Depth/operation`` only when the server has confirmed them. This is all that can make
///    a flow `works`.
/// 4. Whatever else happens becomes an ``Observation``; pick the most telling one (add a case where none fits, and a row
///    in `Diagnosis/` with a test in `DiagnosisTests`). A function does not throw and does not trap: hostile answers are
///    observations, too. Bytes that are none of the protocol go through `log.observeWrongAnswer(_:)`, which recognises
///    what else they may be, stand-ins included.
/// 5. Everything ends by `context.deadline`; no wait is longer than `context.patience()`. A cancelled task ends at once.
/// 6. Safety: read-only; never NTLM; no password in clear; sign in only through `context.credentials`, which stops all
///    probes after the first refusal, so that no account is locked.
package protocol Prober: Sendable {
  var row: RowID { get }
  var transport: Transport { get }
  /// The section of the specification that the conversation follows: `RFC 4120 3.1, 7.2`.
  var specification: String { get }
  /// How deep the conversation must go for the row to work.
  func requiredDepth(withCredentials: Bool) -> Depth
  /// Has the conversation. The log is read when this returns or when the deadline is over, whichever is first.
  func converse(with target: ProbeTarget, _ context: ProbeContext, _ log: ConversationLog) async
}
