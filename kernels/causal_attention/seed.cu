// A block a position: all scores in shared memory, their largest, and then the values, a thread an element.
#include <cmath>
#include <cstdint>

constexpr int WIDTH = 64;
// launch: attend<<<(length, heads), WIDTH, length * 4>>>(q, k, v, out, length)

extern "C" __global__ void attend(const float* q, const float* k, const float* v, float* out, int64_t length) {
    extern __shared__ float scores[];
    __shared__ float query[WIDTH];
    const int d = threadIdx.x;
    const int64_t first = blockIdx.y * length;
    const int64_t seen = blockIdx.x + 1;
    query[d] = q[(first + blockIdx.x) * WIDTH + d];
    __syncthreads();
    for (int64_t j = d; j < seen; j += WIDTH) {
        const float* key = k + (first + j) * WIDTH;
        float dot = 0.0f;
        for (int i = 0; i < WIDTH; i++) dot += query[i] * key[i];
        scores[j] = dot * 0.125f;
    }
    __syncthreads();
    float top = -INFINITY;
    for (int64_t j = 0; j < seen; j++) top = fmaxf(top, scores[j]);
    float sum = 0.0f;
    float total = 0.0f;
    for (int64_t j = 0; j < seen; j++) {
        const float power = expf(scores[j] - top);
        sum += power;
        total += power * v[(first + j) * WIDTH + d];
    }
    out[(first + blockIdx.x) * WIDTH + d] = total / sum;
}
