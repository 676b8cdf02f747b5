// Tokens are sorted by expert. A panel of 32 outputs meets eight tokens at a time in sixteen registers, and stays in the
// first cache until all tokens of its expert have met it.
// Source: written for this problem
#include <cstdint>
#include <vector>

typedef float lanes __attribute__((vector_size(64), aligned(4)));

constexpr int ROWS = 8;
constexpr int64_t PANEL = 32;

static void whole_panel(const float* const* given, float* const* result, int count, const float* w, int64_t width,
                        int64_t outputs) {
    lanes sums[ROWS][2] = {};
    for (int64_t k = 0; k < width; k++) {
        const lanes first = *(const lanes*)(w + k * outputs), second = *(const lanes*)(w + k * outputs + 16);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            sums[r][0] += given[r][k] * first;
            sums[r][1] += given[r][k] * second;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        if (r < count) {
            *(lanes*)result[r] = sums[r][0];
            *(lanes*)(result[r] + 16) = sums[r][1];
        }
    }
}

static void single(const float* given, float* result, const float* w, int64_t width, int64_t outputs, int64_t left) {
    float sums[PANEL] = {};
    if (left == PANEL) {
        for (int64_t k = 0; k < width; k++) {
            for (int64_t n = 0; n < PANEL; n++) sums[n] += given[k] * w[k * outputs + n];
        }
    } else {
        for (int64_t k = 0; k < width; k++) {
            for (int64_t n = 0; n < left; n++) sums[n] += given[k] * w[k * outputs + n];
        }
    }
    for (int64_t n = 0; n < left; n++) result[n] = sums[n];
}

extern "C" void moe_grouped_gemm(const float* x, const int32_t* expert, const float* weights, float* out, int64_t tokens,
                                 int64_t width, int64_t outputs) {
    int64_t start[65] = {};
    for (int64_t token = 0; token < tokens; token++) start[expert[token] + 1] += 1;
    for (int each = 0; each < 64; each++) start[each + 1] += start[each];
    std::vector<int64_t> order(tokens), next(start, start + 64);
    for (int64_t token = 0; token < tokens; token++) order[next[expert[token]]++] = token;
    for (int each = 0; each < 64; each++) {
        for (int64_t n = 0; n < outputs; n += PANEL) {
            const float* w = weights + each * width * outputs + n;
            const int64_t left = outputs - n < PANEL ? outputs - n : PANEL;
            int64_t place = start[each];
            while (place < start[each + 1]) {
                const int64_t count = start[each + 1] - place < ROWS ? start[each + 1] - place : ROWS;
                if (left == PANEL && count > 2) {
                    const float* given[ROWS];
                    float* result[ROWS];
                    for (int64_t r = 0; r < ROWS; r++) {
                        const int64_t token = order[place + (r < count ? r : 0)];
                        given[r] = x + token * width;
                        result[r] = out + token * outputs + n;
                    }
                    whole_panel(given, result, (int)count, w, width, outputs);
                    place += count;
                } else {
                    single(x + order[place] * width, out + order[place] * outputs + n, w, width, outputs, left);
                    place += 1;
                }
            }
        }
    }
}
