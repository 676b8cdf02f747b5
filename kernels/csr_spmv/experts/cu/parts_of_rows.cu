// Blocks have 1,024 nonzeros each, however rows end: one that goes on in the next block leaves its part, and a second
// launch adds the parts of such rows in order.
// Source: Merrill and Garland, "Merge-based parallel sparse matrix-vector multiplication", 2016; written for this problem
#include <cstdint>

constexpr int SHARE = 1024;
constexpr int THREADS = 256;
// scratch: part float32[(nonzeros + SHARE - 1) / SHARE]
// launch: shares<<<(nonzeros + SHARE - 1) / SHARE, THREADS>>>(start, column, value, x, part, y, rows, nonzeros)
// launch: long_rows<<<(rows + 127) / 128, 128>>>(start, part, y, rows)

__device__ int64_t row_of(const int32_t* start, int64_t rows, int32_t at) {
    int64_t low = 0, high = rows;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (start[middle + 1] <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

extern "C" __global__ void shares(const int32_t* start, const int32_t* column, const float* value, const float* x,
                                  float* part, float* y, int64_t rows, int64_t nonzeros) {
    __shared__ float product[SHARE];
    __shared__ int64_t bounds[2];
    const int32_t first = (int32_t)(blockIdx.x * (int64_t)SHARE), last = (int32_t)min(nonzeros, first + (int64_t)SHARE);
    if (threadIdx.x < 2) bounds[threadIdx.x] = row_of(start, rows, threadIdx.x == 0 ? first : last - 1);
    int32_t at[SHARE / THREADS];
    float own[SHARE / THREADS];
    #pragma unroll
    for (int k = 0; k < SHARE / THREADS; k++) {
        const int32_t i = first + k * THREADS + (int32_t)threadIdx.x;
        at[k] = i < last ? column[i] : 0;
        own[k] = i < last ? value[i] : 0.0f;
    }
    #pragma unroll
    for (int k = 0; k < SHARE / THREADS; k++) product[k * THREADS + threadIdx.x] = own[k] * x[at[k]];
    __syncthreads();
    const int lane = threadIdx.x % 8;
    for (int64_t top = bounds[0]; top <= bounds[1]; top += THREADS / 8) {
        const int64_t row = top + threadIdx.x / 8;
        const bool is_ours = row <= bounds[1];
        const int32_t from = is_ours ? start[row] : 0, to = is_ours ? start[row + 1] : 0;
        float sum = 0.0f;
        for (int32_t i = max(from, first) + lane; i < min(to, last); i += 8) sum += product[i - first];
        for (int step = 4; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
        if (lane > 0 || !is_ours) continue;
        if (from < first) {
            part[blockIdx.x] = sum;
        } else if (from < to) {
            y[row] = sum;
        }
    }
}

extern "C" __global__ void long_rows(const int32_t* start, float* part, float* y, int64_t rows) {
    const int64_t row = blockIdx.x * (int64_t)128 + threadIdx.x;
    if (row >= rows) return;
    const int32_t from = start[row], to = start[row + 1];
    if (from == to) y[row] = 0.0f;
    if (from == to || from / SHARE == (to - 1) / SHARE) return;
    float sum = y[row];
    for (int32_t share = from / SHARE + 1; share <= (to - 1) / SHARE; share++) sum += part[share];
    y[row] = sum;
}
