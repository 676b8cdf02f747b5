// Blocks are scanned first, each from nothing, and what lies before them is added in the end: sums wait in double.
// Source: Hillis and Steele, "Data parallel algorithms", 1986; scan-then-propagate of GPU libraries
#include <cstdint>

constexpr int BLOCK = 512;
// scratch: sums float64[count]
// scratch: before float64[(count + BLOCK - 1) / BLOCK]
// launch: scan_blocks<<<(count + BLOCK - 1) / BLOCK, BLOCK>>>(x, sums, before, count)
// launch: add<<<(count + BLOCK - 1) / BLOCK, BLOCK>>>(sums, before, out, count)

__device__ double in_order(double value) {
    for (int step = 1; step < 32; step *= 2) {
        const double more = __shfl_up_sync(0xffffffffu, value, step);
        if (threadIdx.x % 32 >= step) value += more;
    }
    return value;
}

extern "C" __global__ void scan_blocks(const float* x, double* sums, double* before, int64_t count) {
    __shared__ double part[BLOCK / 32];
    const int64_t at = blockIdx.x * (int64_t)BLOCK + threadIdx.x;
    double sum = in_order(at < count ? x[at] : 0.0);
    if (threadIdx.x % 32 == 31) part[threadIdx.x / 32] = sum;
    __syncthreads();
    for (int warp = 0; warp < threadIdx.x / 32; warp++) sum += part[warp];
    if (at < count) sums[at] = sum;
    if (threadIdx.x == BLOCK - 1) before[blockIdx.x] = sum;
}

extern "C" __global__ void add(double* sums, double* before, float* out, int64_t count) {
    __shared__ double part[BLOCK / 32];
    double sum = 0.0;
    for (int64_t i = threadIdx.x; i < blockIdx.x; i += BLOCK) sum += before[i];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = 0.0;
    for (int warp = 0; warp < BLOCK / 32; warp++) sum += part[warp];
    const int64_t at = blockIdx.x * (int64_t)BLOCK + threadIdx.x;
    if (at < count) out[at] = (float)(sum + sums[at]);
}
