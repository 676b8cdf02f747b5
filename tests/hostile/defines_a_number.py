choose = 3
