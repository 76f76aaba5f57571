package com.acme.shop;

import java.util.List;
import java.util.function.*;
import static com.acme.shop.Money.of;

/**
 * Keeps the orders of a shop.
 */
@Service
@Scope("singleton")
public class Orders<T extends Order> extends Repository<T> implements Closeable {
    public static final int PAGE_SIZE = 50;
    private final Clock clock;

    public Orders(Clock clock) {
        super(clock);
        this.clock = clock;
    }

    // Finds one.
    @Override
    public <R> Optional<R> find(String id, Function<T, R> map) throws IOException {
        return client.fetch(id).map(new Mapper<>(map));
    }

    interface Listener {
        void changed(Order order);
    }

    enum State { OPEN, PAID; boolean done() { return this == PAID; } }
}

record Point(int x, int y) {}

@interface Audited {}
