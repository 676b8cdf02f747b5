// A block a query, which makes every score twice; a thread has a key, and its neighbour's key lies a row apart.
// Control.
#include <cmath>
#include <cstdint>

constexpr int WIDTH = 64;
// launch: attend<<<(length, heads), WIDTH, length * 4>>>(q, k, v, out, length)

__device__ float score(const float* query, const float* key) {
    float dot = 0.0f;
    for (int i = 0; i < WIDTH; i++) dot += query[i] * key[i];
    return dot * 0.125f;
}

extern "C" __global__ void attend(const float* q, const float* k, const float* v, float* out, int64_t length) {
    extern __shared__ float powers[];
    __shared__ float largest[WIDTH];
    const int d = threadIdx.x;
    const int64_t first = blockIdx.y * length, seen = blockIdx.x + 1;
    const float* query = q + (first + blockIdx.x) * WIDTH;
    largest[d] = -INFINITY;
    for (int64_t j = d; j < seen; j += WIDTH) largest[d] = fmaxf(largest[d], score(query, k + (first + j) * WIDTH));
    __syncthreads();
    float most = largest[0];
    for (int i = 1; i < WIDTH; i++) most = fmaxf(most, largest[i]);
    for (int64_t j = d; j < seen; j += WIDTH) powers[j] = expf(score(query, k + (first + j) * WIDTH) - most);
    __syncthreads();
    float sum = 0.0f, total = 0.0f;
    for (int64_t j = 0; j < seen; j++) {
        sum += powers[j];
        total += powers[j] * v[(first + j) * WIDTH + d];
    }
    out[(first + blockIdx.x) * WIDTH + d] = total / sum;
}
