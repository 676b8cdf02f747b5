// Eight rows a block, for which the vector is read into shared memory once; a warp a row, a lane two bytes of a group.
// Source: staging through shared memory, NVIDIA's guide to best practices
#include <cstdint>

// launch: rows_by_warps<<<(rows + 7) / 8, (32, 8), groups * 512>>>(packed, scale, x, y, rows, groups)

extern "C" __global__ void rows_by_warps(const uint8_t* packed, const float* scale, const float* x, float* y,
                                         int64_t rows, int64_t groups) {
    extern __shared__ float vector[];
    const int64_t row = blockIdx.x * (int64_t)8 + threadIdx.y;
    const int lane = threadIdx.x;
    for (int64_t i = threadIdx.y * 32 + lane; i < groups * 128; i += 256) vector[i] = x[i];
    __syncthreads();
    if (row >= rows) return;
    float sum = 0.0f;
    for (int64_t group = 0; group < groups; group++) {
        const uint8_t* bytes = packed + (row * groups + group) * 64;
        const float* part = vector + group * 128;
        const unsigned a = bytes[lane], b = bytes[lane + 32];
        float dot = (float)((int)(a & 15) - 8) * part[2 * lane] + (float)((int)(a >> 4) - 8) * part[2 * lane + 1];
        dot += (float)((int)(b & 15) - 8) * part[2 * lane + 64] + (float)((int)(b >> 4) - 8) * part[2 * lane + 65];
        sum += scale[row * groups + group] * dot;
    }
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (lane == 0) y[row] = sum;
}
