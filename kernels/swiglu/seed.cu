// A thread an element.
#include <cmath>
#include <cstdint>

// launch: gate<<<(rows * columns + 255) / 256, 256>>>(x, out, rows, columns)

extern "C" __global__ void gate(const float* x, float* out, int64_t rows, int64_t columns) {
    const int64_t at = blockIdx.x * (int64_t)256 + threadIdx.x;
    if (at >= rows * columns) return;
    const int64_t row = at / columns, i = at % columns;
    const float g = x[row * 2 * columns + i], u = x[(row * 2 + 1) * columns + i];
    out[at] = g / (1.0f + expf(-g)) * u;
}
