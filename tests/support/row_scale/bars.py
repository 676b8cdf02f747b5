import numpy as np


def numpy_form(x, y, positive, rows, columns, epsilon):
    y[...] = x / np.sqrt(np.mean(np.square(x), axis=1, keepdims=True) + np.float32(epsilon))
    positive[...] = (x > 0).sum(axis=1)


def absent_form(x, y, positive, rows, columns, epsilon):
    import a_library_that_nobody_has

    a_library_that_nobody_has.row_scale(x, y, positive)


def wrong_form(x, y, positive, rows, columns, epsilon):
    y[...] = 0
    positive[...] = 0
