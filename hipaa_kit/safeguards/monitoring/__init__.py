"""Monitoring: what watches ePHI workloads, nodes and connections, and whether it does so now."""
