# Prints one job a line: number, weight, length (h), due (h). The same on every machine, by its own random numbers.
function random() { state = (state * 16807) % 2147483647; return state / 2147483647 }
BEGIN {
    state = seed * 7919 + jobs
    for (job = 0; job < 20; job++) random()
    for (job = 1; job <= jobs; job++) {
        long = random() < 0.2
        length_h[job] = int(10 * (0.5 + random() * (long ? 16 : 4))) / 10
        weight[job] = 1 + int(random() * 9)
        work += length_h[job]
    }
    for (job = 1; job <= jobs; job++)
        printf "%d %d %.1f %.1f\n", job, weight[job], length_h[job], length_h[job] + random() * work * 0.7
}
