// A block a token, whose numbers wait in shared memory; a thread an output, four products under way at a time.
// Source: staging through shared memory, and unrolling
#include <cstdint>

constexpr int THREADS = 128;
// launch: products<<<(tokens, (outputs + THREADS - 1) / THREADS), THREADS, width * 4>>>(x, expert, weights, out, width, outputs)

extern "C" __global__ void products(const float* x, const int32_t* expert, const float* weights, float* out,
                                    int64_t width, int64_t outputs) {
    extern __shared__ float own[];
    const int64_t token = blockIdx.x, n = blockIdx.y * (int64_t)THREADS + threadIdx.x;
    const float* matrix = weights + expert[token] * width * outputs;
    for (int64_t i = threadIdx.x; i < width; i += THREADS) own[i] = x[token * width + i];
    __syncthreads();
    if (n >= outputs) return;
    float sum = 0.0f;
    int64_t i = 0;
    for (; i + 4 <= width; i += 4) {
        const float a = matrix[i * outputs + n], b = matrix[(i + 1) * outputs + n];
        const float c = matrix[(i + 2) * outputs + n], d = matrix[(i + 3) * outputs + n];
        sum += own[i] * a + own[i + 1] * b + own[i + 2] * c + own[i + 3] * d;
    }
    for (; i < width; i++) sum += own[i] * matrix[i * outputs + n];
    out[token * outputs + n] = sum;
}
