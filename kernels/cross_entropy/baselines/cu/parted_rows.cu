// Eight blocks a row, so that a few long rows fill the device; a second launch merges what each has found.
// Source: split reductions, as in flash decoding
#include <cmath>
#include <cstdint>

constexpr int THREADS = 256;
constexpr int PARTS = 8;
// scratch: found float32[rows * PARTS * 2]
// launch: parts<<<(PARTS, rows), THREADS>>>(x, found, columns, stride)
// launch: losses<<<(rows + 31) / 32, 32>>>(x, target, found, loss, rows, stride)

__device__ float block_max(float value) {
    __shared__ float part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    float most = part[0];
    for (int i = 1; i < THREADS / 32; i++) most = fmaxf(most, part[i]);
    return most;
}

__device__ float block_sum(float value) {
    __shared__ float part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0.0f;
    for (int i = 0; i < THREADS / 32; i++) sum += part[i];
    return sum;
}

extern "C" __global__ void parts(const float* x, float* found, int64_t columns, int64_t stride) {
    const float* a = x + blockIdx.y * stride;
    const int64_t share = (columns + PARTS - 1) / PARTS, first = blockIdx.x * share;
    const int64_t end = min(columns, first + share);
    float most = -INFINITY;
    for (int64_t i = first + threadIdx.x; i < end; i += THREADS) most = fmaxf(most, a[i]);
    most = block_max(most);
    float sum = 0.0f;
    for (int64_t i = first + threadIdx.x; i < end; i += THREADS) sum += expf(a[i] - most);
    sum = block_sum(sum);
    if (threadIdx.x > 0) return;
    float* own = found + (blockIdx.y * (int64_t)PARTS + blockIdx.x) * 2;
    own[0] = most;
    own[1] = sum;
}

extern "C" __global__ void losses(const float* x, const int64_t* target, float* found, float* loss, int64_t rows,
                                  int64_t stride) {
    const int64_t row = blockIdx.x * (int64_t)32 + threadIdx.x;
    if (row >= rows) return;
    const float* own = found + row * PARTS * 2;
    float most = own[0];
    for (int i = 1; i < PARTS; i++) most = fmaxf(most, own[2 * i]);
    float sum = 0.0f;
    for (int i = 0; i < PARTS; i++) {
        if (own[2 * i + 1] > 0.0f) sum += own[2 * i + 1] * expf(own[2 * i] - most);
    }
    loss[row] = logf(sum) - (x[row * stride + target[row]] - most);
}
