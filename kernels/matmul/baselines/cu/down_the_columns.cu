// A thread an element without shared memory; neighbouring threads go down a column, a row apart.
// Control.
#include <cstdint>

// launch: product<<<((rows + 63) / 64, columns), 64>>>(a, b, out, rows, columns, depth)

extern "C" __global__ void product(const float* a, const float* b, float* out, int64_t rows, int64_t columns,
                                   int64_t depth) {
    const int64_t i = blockIdx.x * (int64_t)64 + threadIdx.x, j = blockIdx.y;
    if (i >= rows) return;
    float sum = 0.0f;
    for (int64_t p = 0; p < depth; p++) sum += a[i * depth + p] * b[p * columns + j];
    out[i * columns + j] = sum;
}
