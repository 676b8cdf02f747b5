# In no order: by the last digits of a product.
# Source: yardstick
# Control.
{ print ($1 * 7919) % 101 }
