// A block a token, a thread a logit, which counts how many come before it; the first eight write themselves down.
// Source: rank sort, in textbooks on parallel algorithms
#include <cmath>
#include <cstdint>

constexpr int EXPERTS = 128;
// launch: choose<<<tokens, EXPERTS>>>(logits, weights, chosen, stride)

extern "C" __global__ void choose(const float* logits, float* weights, int32_t* chosen, int64_t stride) {
    __shared__ float given[EXPERTS], powers[EXPERTS / 32];
    const int i = threadIdx.x;
    const float own = logits[blockIdx.x * stride + i];
    given[i] = own;
    __syncthreads();
    int before = 0;
    float most = own;
    for (int j = 0; j < EXPERTS; j++) {
        before += given[j] > own || (given[j] == own && j < i);
        most = fmaxf(most, given[j]);
    }
    const float power = expf(own - most);
    float sum = power;
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (i % 32 == 0) powers[i / 32] = sum;
    __syncthreads();
    if (before >= 8) return;
    sum = (powers[0] + powers[1]) + (powers[2] + powers[3]);
    weights[blockIdx.x * (int64_t)8 + before] = power / sum;
    chosen[blockIdx.x * (int64_t)8 + before] = i;
}
