// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing
import Wire

@Suite struct SharedShapesTests {
  private enum SampleCode: String, ErrorCode {
    static let domain = "sample"
    case broken
  }

  private final class Door: Closable, Sendable {
    private let count = Mutex(0)
    var closings: Int { count.withLock { $0 } }
    func close() async { count.withLock { $0 += 1 } }
  }

  @Test func errorsAreNamedByTheirPartAndCode() {
    let error = CodedError(SampleCode.broken, "It broke.", remedy: "Mend it.")
    #expect(error.identifier == "sample.broken" && "\(error)" == "It broke. Remedy: Mend it.")
    let other: any Error = error
    #expect(other.explanation == "It broke.")
    #expect((CancellationError() as any Error).explanation == "\(CancellationError())")
  }

  @Test func whatWasUsedIsClosedOnceHoweverItEnded() async {
    let door = Door()
    #expect(await door.use { _ in 7 } == 7)
    #expect(door.closings == 1)
    await #expect(throws: CancellationError.self) { try await door.use { _ in throw CancellationError() } }
    #expect(door.closings == 2)
  }

  @Test func whatIsReadyTooLateIsDiscarded() async throws {
    #expect(try await withTimeLimit(.seconds(600)) { 7 } == 7)
    // A body that does not listen to its cancellation, and is ready after all.
    let door = Door()
    let late = try await withTimeLimit(.zero, discard: { await $0.close() }) { () -> Door in
      try? await Task.sleep(for: .seconds(600))
      return door
    }
    #expect(late == nil && door.closings == 1)
    await #expect(throws: CancellationError.self) {
      try await withTimeLimit(.seconds(600)) { throw CancellationError() }
    }
  }

  @Test func aResultThatACancelledCallerDoesNotGetIsDiscarded() async throws {
    let door = Door()
    let (begun, beginning) = AsyncStream<Void>.makeStream()
    let task = Task {
      try await withTimeLimit(.seconds(600), discard: { await $0.close() }) { () -> Door in
        beginning.finish()
        try? await Task.sleep(for: .seconds(600))
        // Later than the end of the time, which the cancellation brought as well.
        for _ in 0..<1000 { await Task.yield() }
        return door
      }
    }
    for await _ in begun {}
    task.cancel()
    // Whichever comes first: what is made is returned or discarded.
    let result = await task.result
    switch result {
    case .success(let made): #expect(made != nil && door.closings == 0)
    case .failure(let error): #expect(error is CancellationError && door.closings == 1)
    }
  }

  @Test func whatLivesOnIsClosedOnlyByAFailure() async {
    let door = Door()
    #expect(await door.closingOnFailure { _ in 7 } == 7)
    #expect(door.closings == 0)
    await #expect(throws: CancellationError.self) { try await door.closingOnFailure { _ in throw CancellationError() } }
    #expect(door.closings == 1)
  }

  @Test func jsonDependsOnTheValueAlone() throws {
    struct Sample: Codable, Equatable {
      var zone = "a/b"
      var at = Date(timeIntervalSince1970: 0)
    }
    let text = try StableJSON.text(Sample())
    #expect(text == #"{"at":"1970-01-01T00:00:00Z","zone":"a/b"}"#)
    #expect(try StableJSON.decode(Sample.self, from: Data(text.utf8)) == Sample())
  }

  @Test func randomBytesAreAsManyAsAskedForAndDiffer() {
    #expect(SystemRandom.bytes(0).isEmpty)
    #expect(SystemRandom.bytes(16).count == 16 && SystemRandom.bytes(16) != SystemRandom.bytes(16))
  }
}
