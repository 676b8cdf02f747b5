#pragma GCC target("prefer-vector-width=512")
#pragma GCC optimize("associative-math,no-signed-zeros,no-trapping-math")
// Head by head, both elements of a pair at once: each is read once.
// Source: the rotation as Su et al. write it, "RoFormer", 2021
#include <cstdint>

constexpr int64_t wide1 = 2;
constexpr int64_t wide2 = 32;
extern "C" void rope(const float* x, const float* cosine, const float* sine, float* out, int64_t tokens, int64_t heads,
                     int64_t half, int64_t width, int64_t stride) {
    for (int64_t token = 0; token < tokens; token++) {
        const int64_t head_end1 = heads - (heads) % wide1;
        for (int64_t head = 0; head < head_end1; head += wide1) {
            const int64_t i_end1 = half - (half) % wide2;
            for (int64_t i = 0; i < i_end1; i += wide2) {
                for (int64_t lane1 = 0; lane1 < wide1; lane1++) {
                    #pragma omp simd
                    for (int64_t lane2 = 0; lane2 < wide2; lane2++) {
                        float c = cosine[token * half + (i + lane2)];
                        float s = sine[token * half + (i + lane2)];
                        out[(token * width + (head + lane1) * 2 * half) + (i + lane2)] = x[(token * stride + (head + lane1) * 2 * half) + (i + lane2)] * c - x[(token * stride + (head + lane1) * 2 * half) + half + (i + lane2)] * s;
                        out[(token * width + (head + lane1) * 2 * half) + half + (i + lane2)] = x[(token * stride + (head + lane1) * 2 * half) + half + (i + lane2)] * c + x[(token * stride + (head + lane1) * 2 * half) + (i + lane2)] * s;
                    }
                }
            }
            for (int64_t i = i_end1; i < half; i++) {
                #pragma omp simd
                for (int64_t lane1 = 0; lane1 < wide1; lane1++) {
                    float c = cosine[token * half + i];
                    float s = sine[token * half + i];
                    out[(token * width + (head + lane1) * 2 * half) + i] = x[(token * stride + (head + lane1) * 2 * half) + i] * c - x[(token * stride + (head + lane1) * 2 * half) + half + i] * s;
                    out[(token * width + (head + lane1) * 2 * half) + half + i] = x[(token * stride + (head + lane1) * 2 * half) + half + i] * c + x[(token * stride + (head + lane1) * 2 * half) + i] * s;
                }
            }
        }
        for (int64_t head = head_end1; head < heads; head++) {
            int64_t from = token * stride + head * 2 * half;
            int64_t to = token * width + head * 2 * half;
            for (int64_t i = 0; i < half; i++) {
                float c = cosine[token * half + i];
                float s = sine[token * half + i];
                out[to + i] = x[from + i] * c - x[from + half + i] * s;
                out[to + half + i] = x[from + half + i] * c + x[from + i] * s;
            }
        }
    }
}
