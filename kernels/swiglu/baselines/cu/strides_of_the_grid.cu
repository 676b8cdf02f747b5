// No more blocks than the device holds at a time, which go over all elements in strides of the whole grid.
// Source: Harris, "Write flexible kernels with grid-stride loops", NVIDIA's developer blog, 2013
#include <cmath>
#include <cstdint>

constexpr int THREADS = 256;
// launch: gate<<<min(1056, (rows * columns + THREADS - 1) / THREADS), THREADS>>>(x, out, rows, columns)

extern "C" __global__ void gate(const float* x, float* out, int64_t rows, int64_t columns) {
    const int64_t all = rows * columns, step = gridDim.x * (int64_t)THREADS;
    for (int64_t at = blockIdx.x * (int64_t)THREADS + threadIdx.x; at < all; at += step) {
        const int64_t row = at / columns;
        const float g = x[at + row * columns], u = x[at + (row + 1) * columns];
        out[at] = g / (1.0f + expf(-g)) * u;
    }
}
