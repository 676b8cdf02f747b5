// Maximum and sum in one pass: the sum so far is scaled whenever a larger element comes.
// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018
#include <cmath>
#include <cstdint>

extern "C" void softmax(const float* x, float* out, int64_t rows, int64_t columns, int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        float most = a[0];
        double sum = 1.0;
        for (int64_t i = 1; i < columns; i++) {
            if (a[i] > most) {
                sum = sum * std::exp(most - a[i]) + 1.0;
                most = a[i];
            } else {
                sum += std::exp(a[i] - most);
            }
        }
        float scale = (float)(1.0 / sum);
        for (int64_t i = 0; i < columns; i++) {
            y[i] = std::exp(a[i] - most) * scale;
        }
    }
}
