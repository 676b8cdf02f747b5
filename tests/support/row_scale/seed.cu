// A block a row.
#include <cmath>
#include <cstdint>

constexpr int THREADS = 64;
// launch: scale<<<rows, THREADS>>>(x, y, positive, columns, epsilon)

extern "C" __global__ void scale(const float* x, float* y, int32_t* positive, int64_t columns, double epsilon) {
    __shared__ double squares[THREADS];
    __shared__ int32_t above[THREADS];
    const float* row = x + blockIdx.x * columns;
    squares[threadIdx.x] = 0.0;
    above[threadIdx.x] = 0;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        squares[threadIdx.x] += (double)row[i] * row[i];
        above[threadIdx.x] += row[i] > 0.0f;
    }
    for (int step = THREADS / 2; step > 0; step /= 2) {
        __syncthreads();
        if (threadIdx.x < step) {
            squares[threadIdx.x] += squares[threadIdx.x + step];
            above[threadIdx.x] += above[threadIdx.x + step];
        }
    }
    __syncthreads();
    const double root = sqrt(squares[0] / (double)columns + epsilon);
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) y[blockIdx.x * columns + i] = (float)(row[i] / root);
    if (threadIdx.x == 0) positive[blockIdx.x] = above[0];
}
