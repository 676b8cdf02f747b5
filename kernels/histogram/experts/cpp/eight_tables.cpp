// Eight tables in turn, two values a load; eight that are alike are counted at once.
// Source: written for this problem
#include <cstdint>
#include <cstring>

extern "C" void histogram(const int32_t* values, int32_t* counts, int64_t count) {
    uint32_t table[8][256] = {};
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t pair[4];
        std::memcpy(pair, values + i, sizeof pair);
        const uint64_t first = pair[0];
        if (first == pair[1] && first == pair[2] && first == pair[3] && (uint32_t)first == (uint32_t)(first >> 32)) {
            table[0][(uint8_t)first] += 8;
            continue;
        }
        for (int part = 0; part < 4; part++) {
            table[2 * part][(uint8_t)pair[part]] += 1;
            table[2 * part + 1][(uint8_t)(pair[part] >> 32)] += 1;
        }
    }
    for (; i < count; i++) table[0][(uint8_t)values[i]] += 1;
    for (int bin = 0; bin < 256; bin++) {
        uint32_t sum = 0;
        for (int part = 0; part < 8; part++) sum += table[part][bin];
        counts[bin] = (int32_t)sum;
    }
}
