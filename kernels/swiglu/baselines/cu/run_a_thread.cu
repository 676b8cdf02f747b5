// A thread a run of 64 elements: neighbouring threads read elements that lie a run apart.
// Control.
#include <cmath>
#include <cstdint>

constexpr int RUN = 64;
// launch: gate<<<((columns + RUN * 32 - 1) / (RUN * 32), rows), 32>>>(x, out, columns)

extern "C" __global__ void gate(const float* x, float* out, int64_t columns) {
    const int64_t row = blockIdx.y, first = (blockIdx.x * (int64_t)32 + threadIdx.x) * RUN;
    for (int64_t i = first; i < min(columns, first + RUN); i++) {
        const float g = x[row * 2 * columns + i], u = x[(row * 2 + 1) * columns + i];
        out[row * columns + i] = g / (1.0f + expf(-g)) * u;
    }
}
