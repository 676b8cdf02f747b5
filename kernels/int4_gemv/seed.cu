// A warp a row, a lane two bytes of each group; the lanes' sums are added at the end.
#include <cstdint>

// launch: rows_by_warps<<<(rows + 7) / 8, (32, 8)>>>(packed, scale, x, y, rows, groups)

extern "C" __global__ void rows_by_warps(const uint8_t* packed, const float* scale, const float* x, float* y,
                                         int64_t rows, int64_t groups) {
    const int64_t row = blockIdx.x * (int64_t)8 + threadIdx.y;
    const int lane = threadIdx.x;
    float sum = 0.0f;
    for (int64_t group = 0; group < groups && row < rows; group++) {
        const uint8_t* bytes = packed + (row * groups + group) * 64;
        const float* part = x + group * 128;
        float dot = 0.0f;
        for (int j = lane; j < 64; j += 32) {
            dot += (float)((bytes[j] & 15) - 8) * part[2 * j];
            dot += (float)((bytes[j] >> 4) - 8) * part[2 * j + 1];
        }
        sum += scale[row * groups + group] * dot;
    }
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (lane == 0 && row < rows) y[row] = sum;
}
