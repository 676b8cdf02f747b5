// What a CUDA kernel needs to be built for a processor: words of the language, the built-in variables and functions.
// How its blocks and threads run is in emulator.cpp.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static

#define EMULATED_VECTOR(T, name, align) \
    struct __align__(2 * align) name##2 { T x, y; }; \
    struct name##3 { T x, y, z; }; \
    struct __align__(4 * align > 16 ? 16 : 4 * align) name##4 { T x, y, z, w; }; \
    inline name##2 make_##name##2(T x, T y) { return {x, y}; } \
    inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; } \
    inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATED_VECTOR(float, float, 4)
EMULATED_VECTOR(double, double, 8)
EMULATED_VECTOR(int, int, 4)
EMULATED_VECTOR(unsigned, uint, 4)
EMULATED_VECTOR(long long, longlong, 8)
EMULATED_VECTOR(signed char, char, 1)
EMULATED_VECTOR(unsigned char, uchar, 1)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
constexpr int warpSize = 32;

namespace emulated {
template <class T> struct itself { using type = T; };
template <class T> using same = typename itself<T>::type;

struct State {
    uint3 thread, block;
    dim3 threads, blocks;
};
enum Kind : char { SHUFFLE, VOTE };

extern State state;
extern unsigned char dynamic_shared[];

void begin();
void span(const char* name, const void* memory, size_t size, bool is_input, bool is_index);
void run(void (*body)(void*), void* bound, dim3 grid, dim3 block, size_t shared, int64_t footprint);
void barrier();
void fence();
void atomic(const void* address, size_t size);
int lane();
uint64_t in_warp(unsigned mask, Kind kind, uint64_t given, int source);

// Memory of a call, with guards on both sides.
struct Scratch {
    const char* name;
    size_t size;
    unsigned char* memory;
    Scratch(const char* name, size_t size, bool is_index);
    ~Scratch();
    void* start() const;
};

inline int64_t minimum(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t maximum(int64_t a, int64_t b) { return a > b ? a : b; }

template <class... P>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, int64_t footprint, same<P>... given) {
    auto call = [=] { kernel(given...); };
    run([](void* each) { (*static_cast<decltype(call)*>(each))(); }, &call, grid, block, shared, footprint);
}

template <class T> uint64_t bits_of(T value) {
    static_assert(sizeof(T) <= 8, "a warp exchanges values of at most 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    return bits;
}
template <class T> T shuffled(unsigned mask, T value, int source) {
    const uint64_t got = in_warp(mask, SHUFFLE, bits_of(value), source);
    memcpy(&value, &got, sizeof value);
    return value;
}
template <class To, class From> To cast(From value) {
    static_assert(sizeof(To) == sizeof(From), "expected as many bytes");
    To found;
    memcpy(&found, &value, sizeof found);
    return found;
}
}  // namespace emulated

#define threadIdx (emulated::state.thread)
#define blockIdx (emulated::state.block)
#define blockDim (emulated::state.threads)
#define gridDim (emulated::state.blocks)

inline void __syncthreads() { emulated::barrier(); }
inline void __syncwarp(unsigned mask = ~0u) { emulated::in_warp(mask, emulated::VOTE, 1, 0); }
inline void __threadfence() { emulated::fence(); }
inline void __threadfence_block() {}
inline unsigned __ballot_sync(unsigned mask, int given) {
    return emulated::in_warp(mask, emulated::VOTE, given != 0, 0);
}
inline int __any_sync(unsigned mask, int given) { return __ballot_sync(mask, given) != 0; }
inline int __all_sync(unsigned mask, int given) { return __ballot_sync(mask, !given) == 0; }
template <class T> T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
    const int first = emulated::lane() / width * width;
    return emulated::shuffled(mask, value, first + (source & (width - 1)));
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    const int lane = emulated::lane(), source = lane - (int)delta;
    return emulated::shuffled(mask, value, source < lane / width * width ? lane : source);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    const int lane = emulated::lane(), source = lane + (int)delta;
    return emulated::shuffled(mask, value, source >= (lane / width + 1) * width ? lane : source);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int flip, int width = 32) {
    const int lane = emulated::lane(), source = lane ^ flip;
    return emulated::shuffled(mask, value, source >= (lane / width + 1) * width ? lane : source);
}

#define EMULATED_ATOMIC(name, after) \
    template <class T> __attribute__((noinline, no_sanitize_thread)) T name(T* address, emulated::same<T> value) { \
        emulated::atomic(address, sizeof(T)); \
        const T old = *address; \
        *address = after; \
        return old; \
    }
EMULATED_ATOMIC(atomicAdd, old + value)
EMULATED_ATOMIC(atomicSub, old - value)
EMULATED_ATOMIC(atomicExch, value)
EMULATED_ATOMIC(atomicMin, old < value ? old : value)
EMULATED_ATOMIC(atomicMax, old > value ? old : value)
EMULATED_ATOMIC(atomicAnd, old& value)
EMULATED_ATOMIC(atomicOr, old | value)
EMULATED_ATOMIC(atomicXor, old ^ value)
template <class T>
__attribute__((noinline, no_sanitize_thread)) T atomicCAS(T* address, emulated::same<T> expected,
                                                          emulated::same<T> value) {
    emulated::atomic(address, sizeof(T));
    const T old = *address;
    if (old == expected) *address = value;
    return old;
}

template <class T> T __ldg(const T* address) { return *address; }
template <class T> T __ldcs(const T* address) { return *address; }
template <class T> T __ldcg(const T* address) { return *address; }
template <class T> void __stcs(T* address, emulated::same<T> value) { *address = value; }
template <class T> void __stcg(T* address, emulated::same<T> value) { *address = value; }
template <class A, class B> auto min(A a, B b) -> decltype(a + b) { return b < a ? b : a; }
template <class A, class B> auto max(A a, B b) -> decltype(a + b) { return a < b ? b : a; }
inline float rsqrtf(float value) { return 1.0f / sqrtf(value); }
inline double rsqrt(double value) { return 1.0 / sqrt(value); }
inline float __expf(float value) { return expf(value); }
inline float __logf(float value) { return logf(value); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float value) { return 1.0f / value; }
inline float __fsqrt_rn(float value) { return sqrtf(value); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline int __float_as_int(float value) { return emulated::cast<int>(value); }
inline unsigned __float_as_uint(float value) { return emulated::cast<unsigned>(value); }
inline float __int_as_float(int value) { return emulated::cast<float>(value); }
inline float __uint_as_float(unsigned value) { return emulated::cast<float>(value); }
inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __popcll(unsigned long long value) { return __builtin_popcountll(value); }
inline int __ffs(int value) { return __builtin_ffs(value); }
inline int __clz(int value) { return value ? __builtin_clz(value) : 32; }
inline int __dp4a(int a, int b, int c) {
    for (int i = 0; i < 4; i++) c += (int8_t)(a >> 8 * i) * (int8_t)(b >> 8 * i);
    return c;
}
