// The products of 32 rows are made side by side in shared memory, wherever rows end; then eight lanes add up each row.
// Source: Greathouse and Daga, "Efficient sparse matrix-vector multiplication on GPUs using the CSR storage format", 2014
#include <cstdint>

constexpr int ROWS = 32;
constexpr int LANES = 8;
constexpr int THREADS = 256;
constexpr int MOST = 2048;
// launch: rows_by_blocks<<<(rows + ROWS - 1) / ROWS, THREADS>>>(start, column, value, x, y, rows)

extern "C" __global__ void rows_by_blocks(const int32_t* start, const int32_t* column, const float* value,
                                          const float* x, float* y, int64_t rows) {
    __shared__ float product[MOST];
    const int64_t top = blockIdx.x * (int64_t)ROWS, bottom = min(rows, top + ROWS);
    const int lane = threadIdx.x % LANES;
    const int64_t row = top + threadIdx.x / LANES;
    const int32_t begin = start[top], end = start[bottom];
    const int32_t from = row < rows ? start[row] : end, to = row < rows ? start[row + 1] : end;
    float sum = 0.0f;
    for (int32_t first = begin; first < end; first += MOST) {
        const int32_t last = min(end, first + MOST);
        for (int32_t i = first + (int32_t)threadIdx.x; i < last; i += THREADS) product[i - first] = value[i] * x[column[i]];
        __syncthreads();
        for (int32_t i = max(from, first) + lane; i < min(to, last); i += LANES) sum += product[i - first];
        __syncthreads();
    }
    for (int step = LANES / 2; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (lane == 0 && row < rows) y[row] = sum;
}
