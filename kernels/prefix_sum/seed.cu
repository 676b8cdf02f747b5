// Sums of blocks, then a running sum over those, then a scan of each block on top of it; all of it in double.
#include <cstdint>

constexpr int BLOCK = 256;
// scratch: before float64[(count + BLOCK - 1) / BLOCK]
// launch: block_sums<<<(count + BLOCK - 1) / BLOCK, BLOCK>>>(x, before, count)
// launch: sums_before<<<1, 1>>>(before, (count + BLOCK - 1) / BLOCK)
// launch: scan_blocks<<<(count + BLOCK - 1) / BLOCK, BLOCK>>>(x, before, out, count)

extern "C" __global__ void block_sums(const float* x, double* before, int64_t count) {
    __shared__ double part[BLOCK];
    const int64_t at = blockIdx.x * (int64_t)BLOCK + threadIdx.x;
    part[threadIdx.x] = at < count ? x[at] : 0.0;
    for (int step = BLOCK / 2; step > 0; step /= 2) {
        __syncthreads();
        if (threadIdx.x < step) part[threadIdx.x] += part[threadIdx.x + step];
    }
    if (threadIdx.x == 0) before[blockIdx.x] = part[0];
}

extern "C" __global__ void sums_before(double* before, int64_t blocks) {
    double sum = 0.0;
    for (int64_t i = 0; i < blocks; i++) {
        const double own = before[i];
        before[i] = sum;
        sum += own;
    }
}

extern "C" __global__ void scan_blocks(const float* x, double* before, float* out, int64_t count) {
    __shared__ double sums[BLOCK];
    const int64_t at = blockIdx.x * (int64_t)BLOCK + threadIdx.x;
    sums[threadIdx.x] = at < count ? x[at] : 0.0;
    for (int step = 1; step < BLOCK; step *= 2) {
        __syncthreads();
        const double more = threadIdx.x >= step ? sums[threadIdx.x - step] : 0.0;
        __syncthreads();
        sums[threadIdx.x] += more;
    }
    if (at < count) out[at] = (float)(before[blockIdx.x] + sums[threadIdx.x]);
}
