// A block of two warps a row, in which a thread has one byte of each group: many rows are under way at a time.
// Source: matrix-vector products with a block a row
#include <cstdint>

// launch: rows_by_blocks<<<rows, 64>>>(packed, scale, x, y, groups)

extern "C" __global__ void rows_by_blocks(const uint8_t* packed, const float* scale, const float* x, float* y,
                                          int64_t groups) {
    __shared__ float other;
    const int64_t row = blockIdx.x;
    const int at = threadIdx.x;
    float sum = 0.0f;
    for (int64_t group = 0; group < groups; group++) {
        const int both = packed[(row * groups + group) * 64 + at];
        const float *part = x + group * 128 + 2 * at;
        sum += scale[row * groups + group] * ((float)((both & 15) - 8) * part[0] + (float)((both >> 4) - 8) * part[1]);
    }
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (at == 32) other = sum;
    __syncthreads();
    if (at == 0) y[row] = sum + other;
}
