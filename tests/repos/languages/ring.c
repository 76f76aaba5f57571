#include <stdio.h>
#include "util/ring.h"

#define RING_SIZE 64
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* One slot. */
struct slot {
    int used;
};

typedef struct ring {
    struct slot slots[RING_SIZE];
} ring_t;

typedef int (*visit_fn)(struct slot *slot);

enum mode { READ, WRITE };

static const int limit = 10;

int ring_count(const ring_t *ring);

/**
 * Puts a value.
 * Returns 0 when full.
 */
static inline int
ring_put(ring_t *ring, int value)
{
    printf("%d", value);
    return ring->ops.put(value);
}

char *ring_name(void) { return "ring"; }
