// A block an expert and 16 outputs: its tokens' numbers and 32 rows of weights wait in shared memory, and 256 threads
// have 16 outputs of 16 tokens at a time.
// Source: written for this problem
#include <cstdint>

constexpr int WIDE = 16;
constexpr int DEEP = 32;
constexpr int EXPERTS = 64;
constexpr int THREADS = 256;
// launch: products<<<((outputs + WIDE - 1) / WIDE, EXPERTS), THREADS, tokens * 4>>>(x, expert, weights, out, tokens, width, outputs)

__device__ int listed(const int32_t* expert, int64_t tokens, int32_t* mine) {
    __shared__ int32_t before[THREADS / 32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int count = 0;
    for (int64_t start = 0; start < tokens; start += THREADS) {
        const int64_t token = start + threadIdx.x;
        const bool is_mine = token < tokens && expert[token] == (int)blockIdx.y;
        const unsigned all = __ballot_sync(0xffffffffu, is_mine);
        if (lane == 0) before[warp] = __popc(all);
        __syncthreads();
        int at = count + __popc(all & ((1u << lane) - 1));
        for (int w = 0; w < THREADS / 32; w++) {
            if (w < warp) at += before[w];
            count += before[w];
        }
        if (is_mine) mine[at] = (int32_t)token;
        __syncthreads();
    }
    return count;
}

extern "C" __global__ void products(const float* x, const int32_t* expert, const float* weights, float* out,
                                    int64_t tokens, int64_t width, int64_t outputs) {
    extern __shared__ int32_t mine[];
    __shared__ float left[WIDE][DEEP + 1], right[DEEP][WIDE];
    const int column = threadIdx.x % WIDE, row = threadIdx.x / WIDE;
    const int64_t side = blockIdx.x * (int64_t)WIDE, n = side + column;
    const float* matrix = weights + blockIdx.y * width * outputs;
    const int found = listed(expert, tokens, mine);
    for (int first = 0; first < found; first += WIDE) {
        float sum = 0.0f;
        for (int64_t start = 0; start < width; start += DEEP) {
            float ours[2], theirs[2];
            #pragma unroll
            for (int k = 0; k < 2; k++) {
                const int at = threadIdx.x + k * THREADS, token = first + at / DEEP;
                const int64_t i = start + at % DEEP, p = start + at / WIDE;
                ours[k] = token < found && i < width ? x[mine[token] * width + i] : 0.0f;
                theirs[k] = p < width && n < outputs ? matrix[p * outputs + n] : 0.0f;
            }
            #pragma unroll
            for (int k = 0; k < 2; k++) {
                const int at = threadIdx.x + k * THREADS;
                left[at / DEEP][at % DEEP] = ours[k];
                right[at / WIDE][column] = theirs[k];
            }
            __syncthreads();
            for (int p = 0; p < DEEP; p++) sum += left[row][p] * right[p][column];
            __syncthreads();
        }
        if (first + row < found && n < outputs) out[mine[first + row] * outputs + n] = sum;
    }
}
