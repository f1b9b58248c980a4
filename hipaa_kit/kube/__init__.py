"""Kubernetes' own rules, pure: no input or output, no data frames."""
