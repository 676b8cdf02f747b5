# Earliest due first.
# Source: Jackson 1955
{ print $4 * 1.0 }
