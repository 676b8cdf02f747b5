#include <cmath>
#include <cstdint>

extern "C" void row_scale(const float* x, float* y, int32_t* positive, int64_t rows, int64_t columns, double epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        float squares = 0.0f;
        int32_t count = 0;
        for (int64_t i = 0; i < columns; i++) {
            float value = x[row * columns + i];
            squares += value * value;
            count += value > 0.0f;
        }
        float scale = 1.0f / std::sqrt(squares / (float)columns + (float)epsilon);
        for (int64_t i = 0; i < columns; i++) {
            y[row * columns + i] = x[row * columns + i] * scale;
        }
        positive[row] = count;
    }
}
