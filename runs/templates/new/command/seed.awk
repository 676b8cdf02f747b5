# First come, first served: jobs run in the order of their numbers.
# The lowest number that is printed runs first. $1 is the job's number, $2 its weight, $3 its length, $4 when it is due.
{ print $1 * 1.0 }
