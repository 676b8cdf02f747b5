"""The problems, one folder each, and the traces and generators they draw their workloads from."""
