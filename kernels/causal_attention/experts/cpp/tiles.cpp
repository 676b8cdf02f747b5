// Eight queries and 32 keys at a time: their scores grow in sixteen registers, from keys turned on their side once a head.
// Then powers by a polynomial, and the values into sixteen registers again.
// Source: written for this problem
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

typedef float lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t words __attribute__((vector_size(64)));

constexpr int ROWS = 8;
constexpr int64_t KEYS = 32, WIDTH = 64;

static inline lanes powers(lanes x) {
    const lanes least = x - x - 87.0f;
    x = x > least ? x : least;
    const lanes shifted = x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
    const lanes r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
    lanes p = r * (1.0f / 720) + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const words scale = ((words)shifted - 0x4b400000 + 127) << 23;
    return p * (lanes)scale;
}

static void scores_of(const float* query, const int64_t* row, const float* turned, float* scores, int64_t padded,
                      int64_t tiles) {
    for (int64_t tile = 0; tile < tiles; tile++) {
        lanes sums[ROWS][2] = {};
        for (int64_t d = 0; d < WIDTH; d++) {
            const lanes* keys = (const lanes*)(turned + (tile * WIDTH + d) * KEYS);
            const lanes first = keys[0], second = keys[1];
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                sums[r][0] += query[row[r] * WIDTH + d] * first;
                sums[r][1] += query[row[r] * WIDTH + d] * second;
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            *(lanes*)(scores + r * padded + tile * KEYS) = sums[r][0] * 0.125f;
            *(lanes*)(scores + r * padded + tile * KEYS + 16) = sums[r][1] * 0.125f;
        }
    }
}

static float into_powers(float* scores, int64_t seen, int64_t padded) {
    for (int64_t j = seen; j < padded; j++) scores[j] = -INFINITY;
    lanes tops = *(lanes*)scores;
    for (int64_t j = 16; j < padded; j += 16) {
        const lanes next = *(lanes*)(scores + j);
        tops = next > tops ? next : tops;
    }
    float top = tops[0], sum = 0.0f;
    for (int lane = 1; lane < 16; lane++) top = tops[lane] > top ? tops[lane] : top;
    for (int64_t j = 0; j < padded; j += 16) *(lanes*)(scores + j) = powers(*(lanes*)(scores + j) - top);
    for (int64_t j = seen; j < padded; j++) scores[j] = 0.0f;
    lanes sums = {};
    for (int64_t j = 0; j < padded; j += 16) sums += *(lanes*)(scores + j);
    for (int lane = 0; lane < 16; lane++) sum += sums[lane];
    return sum;
}

extern "C" void causal_attention(const float* q, const float* k, const float* v, float* out, int64_t heads,
                                 int64_t length) {
    const int64_t most = (length + KEYS - 1) / KEYS;
    std::vector<float> turned(most * KEYS * WIDTH), scores(ROWS * most * KEYS);
    for (int64_t head = 0; head < heads; head++) {
        const int64_t base = head * length * WIDTH;
        for (int64_t j = 0; j < length; j++) {
            float* column = turned.data() + j / KEYS * KEYS * WIDTH + j % KEYS;
            for (int64_t d = 0; d < WIDTH; d++) column[d * KEYS] = k[base + j * WIDTH + d];
        }
        for (int64_t start = 0; start < length; start += ROWS) {
            const int64_t end = start + ROWS < length ? start + ROWS : length;
            const int64_t tiles = (end + KEYS - 1) / KEYS, padded = tiles * KEYS;
            int64_t row[ROWS];
            for (int r = 0; r < ROWS; r++) row[r] = start + r < length ? start + r : length - 1;
            scores_of(q + base, row, turned.data(), scores.data(), padded, tiles);
            float sum[ROWS];
            for (int r = 0; r < ROWS; r++) sum[r] = into_powers(scores.data() + r * padded, row[r] + 1, padded);
            for (int64_t half = 0; half < WIDTH; half += 32) {
                lanes kept[ROWS][2] = {};
                for (int64_t j = 0; j < end; j++) {
                    const lanes* value = (const lanes*)(v + base + j * WIDTH + half);
                    const lanes first = value[0], second = value[1];
#pragma GCC unroll 8
                    for (int r = 0; r < ROWS; r++) {
                        kept[r][0] += scores[r * padded + j] * first;
                        kept[r][1] += scores[r * padded + j] * second;
                    }
                }
                for (int r = 0; start + r < end; r++) {
                    lanes* result = (lanes*)(out + base + (start + r) * WIDTH + half);
                    result[0] = kept[r][0] / sum[r];
                    result[1] = kept[r][1] / sum[r];
                }
            }
        }
    }
}
