// A thread a row: neighbouring threads read bytes that lie a row apart.
// Control.
#include <cstdint>

// launch: rows_by_threads<<<(rows + 63) / 64, 64>>>(packed, scale, x, y, rows, groups)

extern "C" __global__ void rows_by_threads(const uint8_t* packed, const float* scale, const float* x, float* y,
                                           int64_t rows, int64_t groups) {
    const int64_t row = blockIdx.x * (int64_t)64 + threadIdx.x;
    if (row >= rows) return;
    float sum = 0.0f;
    for (int64_t group = 0; group < groups; group++) {
        float dot = 0.0f;
        for (int j = 0; j < 64; j++) {
            const int both = packed[(row * groups + group) * 64 + j];
            dot += (float)((both & 15) - 8) * x[group * 128 + 2 * j] + (float)((both >> 4) - 8) * x[group * 128 + 2 * j + 1];
        }
        sum += scale[row * groups + group] * dot;
    }
    y[row] = sum;
}
