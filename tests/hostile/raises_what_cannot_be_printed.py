class Silent(BaseException):
    def __str__(self):
        raise self


def choose(view):
    raise Silent
