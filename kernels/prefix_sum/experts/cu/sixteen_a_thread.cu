// Tiles of 4,096, sixteen elements a thread as fours: sums of tiles first, then scans in registers from the sums before.
// Source: Merrill and Grimshaw, "Parallel scan for stream architectures", 2009; written for this problem
#include <cstdint>

constexpr int THREADS = 256;
constexpr int EACH = 16;
constexpr int TILE = 4096;
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

__device__ float4 four(const float* x, int64_t at, int64_t count) {
    if ((uintptr_t)x % 16 == 0 && at + 4 <= count) return *(const float4*)(x + at);
    return make_float4(at < count ? x[at] : 0.0f, at + 1 < count ? x[at + 1] : 0.0f, at + 2 < count ? x[at + 2] : 0.0f,
                       at + 3 < count ? x[at + 3] : 0.0f);
}

extern "C" __global__ void tile_sums(const float* x, double* sums, int64_t count) {
    const int64_t first = blockIdx.x * (int64_t)TILE + 4 * threadIdx.x;
    float4 v[EACH / 4];
    #pragma unroll
    for (int k = 0; k < EACH / 4; k++) v[k] = four(x, first + k * 4 * THREADS, count);
    double sum = 0.0;
    #pragma unroll
    for (int k = 0; k < EACH / 4; k++) sum += ((double)v[k].x + v[k].y) + ((double)v[k].z + v[k].w);
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

extern "C" __global__ void scan_tiles(const float* x, double* sums, float* out, int64_t count) {
    __shared__ double part[EACH / 4][THREADS / 32];
    const int64_t first = blockIdx.x * (int64_t)TILE + 4 * threadIdx.x;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    float4 v[EACH / 4];
    #pragma unroll
    for (int k = 0; k < EACH / 4; k++) v[k] = four(x, first + k * 4 * THREADS, count);
    double before = 0.0, upto[EACH / 4];
    for (int64_t i = threadIdx.x; i < blockIdx.x; i += THREADS) before += sums[i];
    before = block_sum(before);
    #pragma unroll
    for (int k = 0; k < EACH / 4; k++) {
        const double own = (((double)v[k].x + v[k].y) + v[k].z) + v[k].w;
        double sum = own;
        for (int step = 1; step < 32; step *= 2) {
            const double more = __shfl_up_sync(0xffffffffu, sum, step);
            if (lane >= step) sum += more;
        }
        if (lane == 31) part[k][warp] = sum;
        upto[k] = sum - own;
    }
    __syncthreads();
    #pragma unroll
    for (int k = 0; k < EACH / 4; k++) {
        const int64_t at = first + k * 4 * THREADS;
        double sum = before + upto[k];
        for (int i = 0; i < THREADS / 32; i++) {
            if (i < warp) sum += part[k][i];
            before += part[k][i];
        }
        const double a = sum + v[k].x, b = a + v[k].y, c = b + v[k].z, d = c + v[k].w;
        if ((uintptr_t)out % 16 == 0 && at + 4 <= count) {
            *(float4*)(out + at) = make_float4((float)a, (float)b, (float)c, (float)d);
            continue;
        }
        const double all[4] = {a, b, c, d};
        for (int i = 0; i < 4 && at + i < count; i++) out[at + i] = (float)all[i];
    }
}
