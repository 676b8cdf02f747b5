// A block an expert and 32 outputs: it finds its tokens, and reads the weights once for every eight of them.
// Source: grouped matrix products
#include <cstdint>

constexpr int WIDE = 32;
constexpr int HIGH = 8;
constexpr int EXPERTS = 64;
// launch: products<<<((outputs + WIDE - 1) / WIDE, EXPERTS), (WIDE, HIGH), tokens * 4>>>(x, expert, weights, out, tokens, width, outputs)

extern "C" __global__ void products(const float* x, const int32_t* expert, const float* weights, float* out,
                                    int64_t tokens, int64_t width, int64_t outputs) {
    extern __shared__ int32_t mine[];
    __shared__ int32_t found;
    __shared__ float part[HIGH][WIDE];
    const int64_t n = blockIdx.x * (int64_t)WIDE + threadIdx.x;
    const float* matrix = weights + blockIdx.y * width * outputs;
    if (threadIdx.y == 0) {
        int count = 0;
        for (int64_t start = 0; start < tokens; start += WIDE) {
            const int64_t token = start + threadIdx.x;
            const bool is_mine = token < tokens && expert[token] == (int)blockIdx.y;
            const unsigned all = __ballot_sync(0xffffffffu, is_mine);
            if (is_mine) mine[count + __popc(all & ((1u << threadIdx.x) - 1))] = (int32_t)token;
            count += __popc(all);
        }
        if (threadIdx.x == 0) found = count;
    }
    __syncthreads();
    for (int first = 0; first < found; first += HIGH) {
        const bool is_there = first + (int)threadIdx.y < found;
        const int64_t token = mine[is_there ? first + threadIdx.y : first];
        float sum = 0.0f;
        for (int64_t start = 0; start < width; start += WIDE) {
            part[threadIdx.y][threadIdx.x] = start + threadIdx.x < width ? x[token * width + start + threadIdx.x] : 0.0f;
            __syncthreads();
            const int64_t most = min((int64_t)WIDE, width - start);
            for (int64_t i = 0; i < most && n < outputs; i++) {
                sum += part[threadIdx.y][i] * matrix[(start + i) * outputs + n];
            }
            __syncthreads();
        }
        if (is_there && n < outputs) out[token * outputs + n] = sum;
    }
}
