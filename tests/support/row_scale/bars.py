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


prepared = {}


def before_prepared_form(x, y, positive, rows, columns, epsilon):
    prepared[x.ctypes.data] = 1.0 / np.sqrt(np.mean(np.square(x), axis=1, keepdims=True) + np.float32(epsilon))


def prepared_form(x, y, positive, rows, columns, epsilon):
    np.multiply(x, prepared.pop(x.ctypes.data), out=y)
    positive[...] = (x > 0).sum(axis=1)
