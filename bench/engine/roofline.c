/* The machine's own limits: int8 and float32 multiply-adds and memory reads, on N threads.
 *
 *   cc -O3 -march=native -pthread roofline.c -o roofline && ./roofline THREADS
 *
 * Prints one line of JSON: what was used and the best of several repeats, in 1e9 a second.
 * Operands stay in registers, memory is read front to back: no real program gets more.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { MAX_THREADS = 64, CHAINS = 12, LOOPS = 10000000 };
static const size_t READ_BYTES = (size_t)512 << 20, HUGE_PAGE = (size_t)2 << 20;
static char *buffer;
static int threads;
static volatile uint64_t sink[MAX_THREADS];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Each variant: the vector type, one multiply-add, and how many scalar ones that is. The empty asm
 * keeps the compiler from folding the loop away. */
#if defined(__AVX512VNNI__)
#define INT8_NAME "AVX-512 VNNI"
#define INT8_PER_OP 64
typedef __m512i ivec;
#define INT8_OP(c, x, y) _mm512_dpbusd_epi32(c, x, y)
#elif defined(__AVXVNNI__)
#define INT8_NAME "AVX VNNI"
#define INT8_PER_OP 32
typedef __m256i ivec;
#define INT8_OP(c, x, y) _mm256_dpbusd_avx_epi32(c, x, y)
#elif defined(__AVX2__)
#define INT8_NAME "AVX2 vpmaddubsw"
#define INT8_PER_OP 32
typedef __m256i ivec;
#define INT8_OP(c, x, y) \
    _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), _mm256_set1_epi16(1)))
#elif defined(__ARM_FEATURE_DOTPROD)
#define INT8_NAME "NEON dot product"
#define INT8_PER_OP 16
typedef int32x4_t ivec;
#define INT8_OP(c, x, y) vdotq_s32(c, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(y))
#endif

#if defined(__AVX512F__)
#define FLOAT_NAME "AVX-512"
#define FLOAT_PER_OP 16
typedef __m512 fvec;
#define FLOAT_OP(c, x, y) _mm512_fmadd_ps(x, y, c)
#elif defined(__FMA__)
#define FLOAT_NAME "AVX2 FMA"
#define FLOAT_PER_OP 8
typedef __m256 fvec;
#define FLOAT_OP(c, x, y) _mm256_fmadd_ps(x, y, c)
#elif defined(__aarch64__)
#define FLOAT_NAME "NEON"
#define FLOAT_PER_OP 4
typedef float32x4_t fvec;
#define FLOAT_OP(c, x, y) vfmaq_f32(c, x, y)
#endif

#if defined(__x86_64__)
#define KEEP(x, y) __asm__ volatile("" : "+v"(x), "+v"(y))
#else
#define KEEP(x, y) __asm__ volatile("" : "+w"(x), "+w"(y))
#endif

/* Twelve chains hide the latency of each. They are spelled out: an array would live in memory. */
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define FOUR(X) X X X X /* the loop itself costs an eighth of the rate otherwise */
#define DECLARE(i) VECTOR c##i = {0};
#define STEP(i) c##i = OPERATION(c##i, x, y); KEEP(c##i, x); /* two chains share nothing */
#define SUM(i) x += c##i;
#define BODY                                            \
    VECTOR x, y;                                        \
    EACH(DECLARE)                                       \
    (void)argument;                                     \
    memset(&x, 1, sizeof x);                            \
    memset(&y, 1, sizeof y);                            \
    for (long n = 0; n < LOOPS; n += 16) {              \
        FOUR(EACH(STEP)) FOUR(EACH(STEP))               \
        FOUR(EACH(STEP)) FOUR(EACH(STEP))               \
    }                                                   \
    EACH(SUM)                                           \
    KEEP(x, y);                                         \
    return 0;

#ifdef INT8_NAME
#define VECTOR ivec
#define OPERATION INT8_OP
static void *int8_loop(void *argument) { BODY }
#undef VECTOR
#undef OPERATION
#endif
#ifdef FLOAT_NAME
#define VECTOR fvec
#define OPERATION FLOAT_OP
static void *float_loop(void *argument) { BODY }
#endif

static void *read_loop(void *argument) {
    long id = (long)argument;
    size_t share = READ_BYTES / threads / 256 * 256;
    const uint64_t *place = (const uint64_t *)(buffer + id * share);
    uint64_t sum[32] = {0};
    for (size_t i = 0; i < share / 8; i += 32)
        for (int k = 0; k < 32; k++) sum[k] += place[i + k];
    for (int k = 1; k < 32; k++) sum[0] += sum[k];
    sink[id] = sum[0];
    return 0;
}

static double best_seconds(void *(*function)(void *), int repeats) {
    double best = 1e9;
    while (repeats--) {
        pthread_t ids[MAX_THREADS];
        double began = now();
        for (long i = 0; i < threads; i++) pthread_create(ids + i, 0, function, (void *)i);
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        double seconds = now() - began;
        if (seconds < best) best = seconds;
    }
    return best;
}

static double read_rate(int huge) {
    char *memory = mmap(0, READ_BYTES + HUGE_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) return 0;
    buffer = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
#if defined(MADV_HUGEPAGE)
    madvise(buffer, READ_BYTES, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
    (void)huge;
#endif
    /* No two pages are equal: a host that merges equal ones would serve them from its caches. */
    for (size_t i = 0; i < READ_BYTES / 8; i++)
        ((uint64_t *)buffer)[i] = i * UINT64_C(0x9E3779B97F4A7C15);
    double rate = READ_BYTES / best_seconds(read_loop, 5) / 1e9;
    munmap(memory, READ_BYTES + HUGE_PAGE);
    return rate;
}

int main(int count, char **words) {
    threads = count > 1 ? atoi(words[1]) : 1;
    if (threads < 1 || threads > MAX_THREADS) return 2;
    printf("{\"threads\": %d", threads);
#ifdef INT8_NAME
    printf(", \"int8_kernel\": \"%s\", \"int8_gmac\": %.1f", INT8_NAME,
           (double)threads * LOOPS * CHAINS * INT8_PER_OP / best_seconds(int8_loop, 3) / 1e9);
#endif
#ifdef FLOAT_NAME
    printf(", \"float_kernel\": \"%s\", \"float_gfma\": %.1f", FLOAT_NAME,
           (double)threads * LOOPS * CHAINS * FLOAT_PER_OP / best_seconds(float_loop, 3) / 1e9);
#endif
    double small = read_rate(0), huge = read_rate(1);
    printf(", \"read_gb\": %.1f, \"read_huge_pages_gb\": %.1f}\n", small, huge);
    return 0;
}
