// Kernels of the stand-in for a device that do what row-scale asks, or do not. See stand_in_gpu.cpp. Those of the seed
// in Triton are launched as its compiler lays them out: narrow numbers, no constants, and two addresses at the end.
#include <unistd.h>

#include <cmath>
#include <cstdint>

#define LAUNCHED(name, milliseconds, sizes, ...) \
    extern "C" { \
    extern const float name##_ms; \
    extern const char name##_sizes[]; \
    const float name##_ms = milliseconds; \
    const char name##_sizes[] = sizes; \
    int name(const unsigned* grid, const unsigned* block, void** given) { \
        __VA_ARGS__ \
        return 0; \
    } \
    }
#define KERNEL(name, milliseconds, ...) CUDA(name, milliseconds, "\x8\x8\x8\x8\x8", __VA_ARGS__)
#define CUDA(name, milliseconds, sizes, ...) \
    LAUNCHED(name, milliseconds, sizes, \
        auto* x = *(float**)given[0]; \
        auto* y = *(float**)given[1]; \
        auto* positive = *(int32_t**)given[2]; \
        const int64_t columns = *(int64_t*)given[3], rows = grid[0]; \
        const double epsilon = *(double*)given[4]; \
        __VA_ARGS__)

static void right(const float* x, float* y, int32_t* positive, int64_t rows, int64_t columns, double epsilon) {
    for (int64_t row = 0; row < rows; row++, x += columns, y += columns) {
        double squares = 0;
        int32_t above = 0;
        for (int64_t i = 0; i < columns; i++) squares += (double)x[i] * x[i], above += x[i] > 0;
        const double root = sqrt(squares / columns + epsilon);
        for (int64_t i = 0; i < columns; i++) y[i] = (float)(x[i] / root);
        positive[row] = above;
    }
}
#define RIGHT right(x, y, positive, rows, columns, epsilon);

KERNEL(scale, 0.5, RIGHT)
KERNEL(quick, 0.25, RIGHT)
KERNEL(keeping, 0.5, RIGHT)
extern "C" const char keeping_keeps = 1;
KERNEL(zero, 0.5, for (int64_t i = 0; i < rows * columns; i++) y[i] = 0; for (int64_t i = 0; i < rows; i++) positive[i] = 0;)
KERNEL(idle, 0.5, )
KERNEL(beyond, 0.5, RIGHT positive[rows] = 1;)
KERNEL(spoiling, 0.5, RIGHT x[0] += 1;)
KERNEL(faulty, 0.5, RIGHT return 700;)
KERNEL(later, 0.5, RIGHT if (columns > 300) usleep(5000);)
KERNEL(impossible, 1e-6, RIGHT)
KERNEL(endless, 0.5, for (;;) pause();)
CUDA(scratching, 0.5, "\x8\x8\x8\x8\x8\x8", RIGHT (*(float**)given[5])[-1] += 1;)
CUDA(wide, 0.5, "\x8\x8\x8\x8\x10", RIGHT)

#define IN_TRITON(last) \
    auto* x = *(const float**)given[0]; \
    auto* root = *(float**)given[1]; \
    const int32_t columns = *(int32_t*)given[3]; \
    if (block[0] != 128 || block[1] * block[2] * grid[1] * grid[2] != 1) return 1; \
    if (*(void**)given[last] || *(void**)given[last + 1]) return 1;

LAUNCHED(roots, 0.25, "\x8\x8\x8\x4\x4\x8\x8", IN_TRITON(5)
    auto* positive = *(int32_t**)given[2];
    for (unsigned row = 0; row < grid[0]; row++) {
        double squares = 0;
        positive[row] = 0;
        for (int32_t i = 0; i < columns; i++) {
            const float value = x[row * columns + i];
            squares += (double)value * value, positive[row] += value > 0;
        }
        root[row] = sqrt(squares / columns + *(float*)given[4]);
    })
#define QUOTIENTS(factor) IN_TRITON(4) \
    auto* y = *(float**)given[2]; \
    for (int64_t i = 0; i < (int64_t)grid[0] * columns; i++) y[i] = x[i] / root[i / columns] * factor;
LAUNCHED(quotients, 0.25, "\x8\x8\x8\x4\x8\x8", QUOTIENTS(1))
LAUNCHED(halves, 0.25, "\x8\x8\x8\x4\x8\x8", QUOTIENTS(0.5f))
