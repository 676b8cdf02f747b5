# Reads "priority number weight length due" in the order of the priorities, and prints the metrics.
NF != 5 || $1 !~ /^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]+)?$/ { wrong = 1; next }
{
    ended += $4
    ends += ended
    work += $4
    if (ended > $5) { late += 1; tardiness += $3 * (ended - $5) }
}
END {
    if (wrong || NR != jobs) {
        print "{\"correct\": false, \"feedback\": \"expected one number a job\"}"
        exit
    }
    printf "{\"correct\": true, \"weighted_tardiness\": %.6f, \"late_share\": %.6f, \"mean_end\": %.6f, " \
        "\"feedback\": \"%d of %d jobs ended late\"}\n", tardiness / jobs, late / jobs, ends / jobs / work, late, jobs
}
