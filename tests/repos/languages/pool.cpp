#include <vector>
#include "pool.hpp"

using std::vector;
namespace acme::net {

/// Hands out connections.
template <typename T>
class Pool : public Base<T>, private Lock {
public:
    explicit Pool(int size) : size_(size) {}
    ~Pool();
    T* take(int timeout = 0) const override;
    bool operator==(const Pool& other) const { return true; }
    static constexpr int kMax = 8;

private:
    struct Slot { int id; };
    int size_;
};

enum class Mode { Fast, Safe };

using Handle = std::unique_ptr<Slot>;

}  // namespace acme::net

template <typename T>
T* acme::net::Pool<T>::take(int timeout) const {
    return queue_.pop(std::move(timeout));
}

void Pool::close() {
    drain();
}

constexpr double kRatio = 0.5;

int main(int argc, char** argv) {
    auto pool = std::make_unique<Pool<int>>(3);
    return run<int>(*pool);
}
