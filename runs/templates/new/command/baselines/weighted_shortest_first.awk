# Weighted shortest first: by length over weight.
# Source: Smith 1956
{ print $3 / $2 }
