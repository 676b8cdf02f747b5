// Three passes over each row, one element at a time: maximum, exponentials and their sum, quotients.
#include <cmath>
#include <cstdint>

extern "C" void softmax(const float* x, float* out, int64_t rows, int64_t columns, int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        float most = a[0];
        for (int64_t i = 1; i < columns; i++) {
            if (a[i] > most) most = a[i];
        }
        double sum = 0.0;
        for (int64_t i = 0; i < columns; i++) {
            y[i] = std::exp(a[i] - most);
            sum += y[i];
        }
        for (int64_t i = 0; i < columns; i++) {
            y[i] = y[i] / (float)sum;
        }
    }
}
