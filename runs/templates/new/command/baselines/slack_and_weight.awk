# Apparent tardiness cost, at the start: weight over length, the less the more slack a job has.
# Source: Vepsalainen and Morton 1987
BEGIN {
SCALE = 60.0  # tune: 5..500 log
}
{
    slack = $4 - $3
    if (slack < 0) slack = 0
    print -1000 * $2 / $3 * exp(-slack / SCALE)
}
