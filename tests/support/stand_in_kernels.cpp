// Kernels of the stand-in for a device that do what row-scale asks, or do not. See stand_in_gpu.cpp.
#include <unistd.h>

#include <cmath>
#include <cstdint>

#define KERNEL(name, milliseconds, ...) \
    extern "C" { \
    extern const float name##_ms; \
    const float name##_ms = milliseconds; \
    int name(const unsigned* grid, const unsigned*, void** given) { \
        auto* x = *(float**)given[0]; \
        auto* y = *(float**)given[1]; \
        auto* positive = *(int32_t**)given[2]; \
        const int64_t columns = *(int64_t*)given[3], rows = grid[0]; \
        const double epsilon = *(double*)given[4]; \
        __VA_ARGS__ \
        return 0; \
    } \
    }

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
KERNEL(scratching, 0.5, RIGHT (*(float**)given[5])[-1] += 1;)
