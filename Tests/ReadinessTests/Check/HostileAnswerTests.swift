// SPDX-License-Identifier: Apache-2.0

import DirectoryLocator
import Foundation
import Kerberos
import LDAP
import PortReference
import Synchronization
import Testing
import TestSupport
import Wire

@testable import Readiness

/// Every prober against peers that send rubbish, halves, mutations, too much, or nothing: never a crash, never a wait
/// beyond the deadline, and never `works` without an answer that the protocol's own decoder takes for one.
///
/// `BRIDGEHEAD_FUZZ_ITERATIONS` sets the number of mutated answers; `BRIDGEHEAD_FUZZ_SEED` repeats a run.
@Suite(.serialized) struct HostileAnswerTests {
  static let streams: [any Prober] = [
    DNSProber(.tcp), KerberosProber(.tcp), DirectoryProber.ldap, DirectoryProber.globalCatalog,
  ]
  static let datagrams: [any Prober] = [DNSProber(.udp), KerberosProber(.udp), LDAPPingProber()]

  private static let environment = ProcessInfo.processInfo.environment
  private static let iterations = environment["BRIDGEHEAD_FUZZ_ITERATIONS"].flatMap { Int($0) } ?? 60
  private static let seed = environment["BRIDGEHEAD_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

  @Test func streamsOfRubbishNeverWork() async {
    let long = [UInt8](repeating: 0x30, count: 70_000)
    let answers: [(ScriptedPeer.Answer, Set<Verdict>)] = [
      (.silence, [.broken, .inconclusive]), (.reset, [.broken]), (.sendAndClose([]), [.broken]),
      (.send(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)), [.wrongService]),
      (.send(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)), [.wrongService]),
      (.sendAndClose([0x30]), [.broken, .wrongService]), (.endless(long), [.wrongService]),
    ]
    // Side by side, for silence takes its time.
    await withTaskGroup(of: Void.self) { group in
      for prober in Self.streams {
        for (answer, verdicts) in answers {
          group.addTask {
            guard let peer = try? await ScriptedPeer.tcp({ _ in answer }) else { return }
            let (judgement, _) = await CheckSupport.judge(prober, port: peer.port, seconds: 5)
            #expect(verdicts.contains(judgement.verdict), "\(prober.row): \(judgement)")
            await peer.stop()
          }
        }
      }
    }
  }

  @Test func datagramsOfRubbishNeverWork() async {
    let rubbish: [[UInt8]] = [[], [0], Array("SSH-2.0".utf8), [UInt8](repeating: 0x7e, count: 60_000)]
    await withTaskGroup(of: Void.self) { group in
      for prober in Self.datagrams {
        for bytes in rubbish {
          group.addTask {
            guard let peer = try? await ScriptedPeer.udp({ _ in [bytes] }) else { return }
            let (judgement, _) = await CheckSupport.judge(prober, port: peer.port, seconds: 4)
            #expect(judgement.verdict == .wrongService, "\(prober.row), \(bytes.prefix(8)): \(judgement)")
            await peer.stop()
          }
        }
      }
    }
  }

  // MARK: - Mutations

  /// A right answer to the question that came, as a real server gives it.
  private static func rightAnswer(_ prober: any Prober, _ question: [UInt8]) -> [UInt8] {
    switch prober.row {
    case .connectADDNS: DNSAnswers.answer(question, isStream: prober.transport == .tcp)
    case .connectADKerberos: KerberosAnswers.unknownPrincipal(isStream: prober.transport == .tcp)
    default: prober.transport == .udp ? LDAPAnswers.ping(question) : LDAPAnswers.rootDSE(question)
    }
  }

  /// The scripted servers are right: what follows mutates something that works.
  @Test(arguments: (streams + datagrams).indices)
  func theRightAnswerWorks(_ index: Int) async throws {
    let prober = (Self.streams + Self.datagrams)[index]
    let peer =
      prober.transport == .tcp
      ? try await ScriptedPeer.tcp { .send(Self.rightAnswer(prober, $0)) }
      : try await ScriptedPeer.udp { [Self.rightAnswer(prober, $0)] }
    let (judgement, conversation) = await CheckSupport.judge(prober, port: peer.port, seconds: 60)
    #expect([.works, .worksWithRemark].contains(judgement.verdict), "\(judgement) \(conversation)")
    await peer.stop()
  }

  @Test(arguments: (streams + datagrams).indices)
  func mutatedAnswersNeverWorkFalsely(_ index: Int) async throws {
    let prober = (Self.streams + Self.datagrams)[index]
    let seed = Self.seed &+ UInt64(index)
    var works = 0
    var others = 0
    // Side by side, for silence takes its time; each with its own mutation.
    for batch in stride(from: 0, to: Self.iterations, by: 30) {
      await withTaskGroup(of: Judgement?.self) { group in
        for iteration in batch..<min(batch + 30, Self.iterations) {
          group.addTask { try? await Self.judgeMutation(prober, seed &+ UInt64(iteration) &* 7919) }
        }
        for await judgement in group {
          guard let judgement else { continue }
          if [.works, .worksWithRemark].contains(judgement.verdict) { works += 1 } else { others += 1 }
        }
      }
    }
    #expect(works + others == Self.iterations, "seed \(seed)")
    #expect(others > 0)
  }

  private static func judgeMutation(_ prober: any Prober, _ seed: UInt64) async throws -> Judgement {
    let isRight = Recorder()
    @Sendable func mutated(_ question: [UInt8]) -> [UInt8] {
      var random = SeededGenerator(seed: seed)
      let right = rightAnswer(prober, question)
      var bytes = right
      for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
      isRight.note(accepts(prober, question, bytes))
      return bytes
    }
    let peer =
      prober.transport == .tcp
      ? try await ScriptedPeer.tcp { .sendAndClose(mutated($0)) } : try await ScriptedPeer.udp { [mutated($0)] }
    let started = ContinuousClock.now
    let (judgement, conversation) = await CheckSupport.judge(prober, port: peer.port, seconds: 1.2)
    await peer.stop()
    #expect(ContinuousClock.now - started < .seconds(30), "a conversation beyond its deadline, seed \(seed)")
    if [.works, .worksWithRemark].contains(judgement.verdict) {
      #expect(isRight.allRight, "seed \(seed): \(judgement) \(conversation)")
    }
    return judgement
  }

  /// Whether the protocol's decoder takes the bytes for an answer to the question.
  private static func accepts(_ prober: any Prober, _ question: [UInt8], _ answer: [UInt8]) -> Bool {
    switch prober.row {
    case .connectADDNS: DNSAnswers.isAnswer(question, answer, isStream: prober.transport == .tcp)
    case .connectADKerberos:
      prober.transport == .tcp
        ? (try? InitialAnswer.onStream(answer)).flatMap { $0 } != nil : (try? InitialAnswer(answer)) != nil
    default:
      prober.transport == .udp
        ? (try? LDAPAnswers.isPing(question, answer)) == true
        : (try? LDAPMessage(question).id).flatMap { id in try? RootDSEQuestion(id: id).answer(answer) } != nil
    }
  }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let index = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0...5, using: &random) {
    case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
    case 2: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...8, using: &random)))
    case 3: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 8)], at: index)
    case 4: bytes = Array(bytes.prefix(index))
    default: bytes[index] = [0x00, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
    }
  }
}

/// Whether every answer that a peer gave was one.
final class Recorder: Sendable {
  private let wrong = Mutex(0)
  var allRight: Bool { wrong.withLock { $0 == 0 } }
  func note(_ right: Bool) { if !right { wrong.withLock { $0 += 1 } } }
}
