// Sums of tiles of 2,048, and then each tile is scanned by a block that has first added up the sums before it.
// Source: reduce, then scan; Dotsenko et al., "Fast scan algorithms on graphics processors", 2008
#include <cstdint>

constexpr int THREADS = 256;
constexpr int TILE = 2048;
// scratch: sums float64[(count + TILE - 1) / TILE]
// launch: tile_sums<<<(count + TILE - 1) / TILE, THREADS>>>(x, sums, count)
// launch: scan_tiles<<<(count + TILE - 1) / TILE, THREADS>>>(x, sums, out, count)

__device__ double block_sum(double value) {
    __shared__ double part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    double sum = 0.0;
    for (int i = 0; i < THREADS / 32; i++) sum += part[i];
    __syncthreads();
    return sum;
}

extern "C" __global__ void tile_sums(const float* x, double* sums, int64_t count) {
    const int64_t first = blockIdx.x * (int64_t)TILE;
    double sum = 0.0;
    for (int64_t i = first + threadIdx.x; i < min(count, first + TILE); i += THREADS) sum += x[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

extern "C" __global__ void scan_tiles(const float* x, double* sums, float* out, int64_t count) {
    __shared__ double part[THREADS / 32];
    double before = 0.0;
    for (int64_t i = threadIdx.x; i < blockIdx.x; i += THREADS) before += sums[i];
    before = block_sum(before);
    const int64_t first = blockIdx.x * (int64_t)TILE;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int64_t start = first; start < min(count, first + TILE); start += THREADS) {
        const int64_t at = start + threadIdx.x;
        double value = at < count ? x[at] : 0.0;
        for (int step = 1; step < 32; step *= 2) {
            const double more = __shfl_up_sync(0xffffffffu, value, step);
            if (lane >= step) value += more;
        }
        if (lane == 31) part[warp] = value;
        __syncthreads();
        double all = 0.0;
        for (int i = 0; i < THREADS / 32; i++) {
            if (i < warp) value += part[i];
            all += part[i];
        }
        if (at < count) out[at] = (float)(before + value);
        before += all;
        __syncthreads();
    }
}
