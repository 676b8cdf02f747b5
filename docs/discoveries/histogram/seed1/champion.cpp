#pragma GCC target("prefer-vector-width=512")
#pragma GCC optimize("associative-math,no-signed-zeros,no-trapping-math")
// Four tables in turn.
// Source: privatised histograms
#include <cstdint>

extern "C" void histogram(const int32_t* values, int32_t* counts, int64_t count) {
    int32_t table[4][256] = {};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4) {
        table[0][values[i]] += 1;
        table[1][values[i + 1]] += 1;
        table[2][values[i + 2]] += 1;
        table[3][values[i + 3]] += 1;
    }
    for (; i < count; i++) table[0][values[i]] += 1;
    for (int64_t bin = 0; bin < 256; bin++) {
        counts[bin] = table[0][bin] + table[1][bin] + table[2][bin] + table[3][bin];
    }
}
