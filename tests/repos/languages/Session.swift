import Foundation
@testable import struct Shop.Basket

/// Sends requests.
/// It is safe to share.
@available(iOS 13, *)
public final class Session<T>: NSObject, Sendable where T: Equatable {
    /// The one that everybody uses.
    public static let shared = Session()
    private var tasks: [Int: Task] = [:]
    var isEmpty: Bool { tasks.isEmpty }

    /// Makes one.
    public init(limit: Int, name: String = "a") {
        self.limit = limit
    }

    /**
     Sends one request.
     */
    @discardableResult
    open func request<C: Convertible>(_ url: C, method: Method = .get) async throws -> Response {
        let local = 1
        func inner() { log(local) }
        return try await pool.perform(url).map { $0.decoded() }
    }

    subscript(index: Int) -> Task { get { tasks[index] } }

    enum State: String {
        case open, closed = "c"
    }
    typealias Handler = (Int) -> Void
}

extension Session.Task: Hashable {
    // Hashes the number 😋 alone.
    func hash(into hasher: inout Hasher) { hasher.combine(number) }
}

protocol Adapter: AnyObject {
    associatedtype Out
    var name: String { get }
    func adapt(_ request: Request) -> Out
}

actor Store { func clear() {} }
struct Point { let x: Int }
let timeout = 30
var retries = 3
func top() -> Store { Store() }
