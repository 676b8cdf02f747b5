def row_softmax(x, y, rows, columns):
    y[...] = 0
