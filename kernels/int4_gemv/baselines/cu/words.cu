// A warp a row, eight weights a load, and the vector in shared memory: a lane takes a whole word of a group.
// Source: dequantising matrix-vector kernels of serving systems
#include <cstdint>

// launch: rows_by_warps<<<(rows + 7) / 8, (32, 8), groups * 512>>>(packed, scale, x, y, rows, groups)

__device__ unsigned word_at(const uint8_t* from) {
    if ((uintptr_t)from % 4 == 0) return *(const unsigned*)from;
    return from[0] | from[1] << 8 | from[2] << 16 | (unsigned)from[3] << 24;
}

__device__ float weight(unsigned word, int place) { return (float)((int)(word >> 4 * place & 15) - 8); }

extern "C" __global__ void rows_by_warps(const uint8_t* packed, const float* scale, const float* x, float* y,
                                         int64_t rows, int64_t groups) {
    extern __shared__ float4 vector[];
    const int64_t row = blockIdx.x * (int64_t)8 + threadIdx.y;
    const int lane = threadIdx.x;
    for (int64_t i = threadIdx.y * 32 + lane; i < groups * 128; i += 256) ((float*)vector)[i] = x[i];
    __syncthreads();
    if (row >= rows) return;
    float sum = 0.0f;
    for (int64_t at = lane; at < groups * 16; at += 32) {
        const unsigned word = word_at(packed + row * groups * 64 + at * 4);
        const float4 a = vector[2 * at], b = vector[2 * at + 1];
        float dot = weight(word, 0) * a.x + weight(word, 1) * a.y + weight(word, 2) * a.z + weight(word, 3) * a.w;
        dot += weight(word, 4) * b.x + weight(word, 5) * b.y + weight(word, 6) * b.z + weight(word, 7) * b.w;
        sum += scale[row * groups + at / 16] * dot;
    }
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (lane == 0) y[row] = sum;
}
