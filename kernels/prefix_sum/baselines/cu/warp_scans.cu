// The three launches of the plain form, with scans by shuffles in warps, and the sums of blocks scanned by a whole block.
// Source: Harris, Sengupta and Owens, "Parallel prefix sum (scan) with CUDA", GPU Gems 3, 2007
#include <cstdint>

constexpr int BLOCK = 1024;
// scratch: before float64[(count + BLOCK - 1) / BLOCK]
// launch: block_sums<<<(count + BLOCK - 1) / BLOCK, BLOCK>>>(x, before, count)
// launch: sums_before<<<1, BLOCK>>>(before, (count + BLOCK - 1) / BLOCK)
// launch: scan_blocks<<<(count + BLOCK - 1) / BLOCK, BLOCK>>>(x, before, out, count)

__device__ double scanned(double value) {
    __shared__ double part[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int step = 1; step < 32; step *= 2) {
        const double more = __shfl_up_sync(0xffffffffu, value, step);
        if (lane >= step) value += more;
    }
    if (lane == 31) part[warp] = value;
    __syncthreads();
    if (warp == 0) {
        double sum = part[lane];
        for (int step = 1; step < 32; step *= 2) {
            const double more = __shfl_up_sync(0xffffffffu, sum, step);
            if (lane >= step) sum += more;
        }
        part[lane] = sum;
    }
    __syncthreads();
    if (warp > 0) value += part[warp - 1];
    __syncthreads();
    return value;
}

extern "C" __global__ void block_sums(const float* x, double* before, int64_t count) {
    __shared__ double part[32];
    const int64_t at = blockIdx.x * (int64_t)BLOCK + threadIdx.x;
    double value = at < count ? x[at] : 0.0;
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    value = part[threadIdx.x];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x == 0) before[blockIdx.x] = value;
}

extern "C" __global__ void sums_before(double* before, int64_t blocks) {
    __shared__ double last;
    double sum = 0.0;
    for (int64_t first = 0; first < blocks; first += BLOCK) {
        const int64_t at = first + threadIdx.x;
        const double own = at < blocks ? before[at] : 0.0;
        const double all = scanned(own);
        if (at < blocks) before[at] = sum + all - own;
        if (threadIdx.x == BLOCK - 1) last = all;
        __syncthreads();
        sum += last;
        __syncthreads();
    }
}

extern "C" __global__ void scan_blocks(const float* x, double* before, float* out, int64_t count) {
    const int64_t at = blockIdx.x * (int64_t)BLOCK + threadIdx.x;
    const double sum = scanned(at < count ? x[at] : 0.0);
    if (at < count) out[at] = (float)(before[blockIdx.x] + sum);
}
