// SPDX-License-Identifier: Apache-2.0

import PortReference

/// Connections that stand, and answers that do not come or are of another kind.
enum AnswerDiagnosis {
  static func judge(_ matter: Matter) -> Judgement? {
    matter.first { observation in
      switch observation {
      case .wrongAnswer(let recognised, let summary):
        Judgement(
          .wrongService, .otherProtocol,
          "What answers on \(matter.flow.name) does not speak the protocol of the row"
            + (recognised.map { " but \($0)" } ?? "") + " (\(summary)).",
          matter.target("Find out what listens there, and whether address and port are right."))
      case .silenceAfterData(let seconds):
        Judgement(
          .broken, .halfOpen,
          "\(matter.flow.name) accepts the connection and then says nothing for \(Self.text(seconds)).",
          matter.open(
            "Check whether a firewall or intrusion prevention answers the handshake and drops what follows; if not, whether "
              + "the service on \(matter.flow.target.host) hangs."))
      case .resetAfterData:
        Judgement(
          .broken, .connectionKilled,
          "\(matter.flow.name) accepts the connection and resets it when the protocol is spoken.",
          matter.open(
            "Check whether a firewall or intrusion prevention kills the protocol; if not, the log of the service on "
              + "\(matter.flow.target.host)."))
      case .closedAfterData:
        Judgement(
          .broken, .serviceStopped, "\(matter.flow.name) accepts the connection and closes it without an answer.",
          matter.target(
            "Check the service behind the listener on \(matter.flow.target.host): it is stopped or refuses."))
      case .idleKilled(let seconds):
        Judgement(
          matter.flow.isDeepEnough ? .worksWithRemark : .broken, .killedWhileIdle,
          "A connection to \(matter.flow.name) that was idle for \(Self.text(seconds)) was dead, without an end.",
          Remedy(.firewall, "Raise the idle timeout for the flow above \(Self.text(seconds)).", rule: matter.flow.rule))
      case .largeDatagramTimeout(let bytes): fragments(bytes, matter)
      default: nil
      }
    }
  }

  /// A small request was answered, one of two fragments was not.
  private static func fragments(_ bytes: Int, _ matter: Matter) -> Judgement {
    let overTCP = matter.flow.isDeepEnough && matter.twin?.isDeepEnough == true
    return Judgement(
      overTCP ? .worksWithRemark : .broken, .udpFragmentsDropped,
      "\(matter.flow.name) answers small datagrams, and none of \(bytes) bytes: UDP fragments are dropped on the way"
        + (overTCP ? "; TCP works and is fallen back to." : "."),
      matter.open("Let fragments of allowed UDP flows pass."))
  }

  static func text(_ seconds: Double) -> String {
    seconds < 10 ? "\((seconds * 10).rounded() / 10) s" : "\(Int(seconds.rounded())) s"
  }
}
