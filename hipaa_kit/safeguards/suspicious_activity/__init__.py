"""Suspicious activity, its configuration: rules that fire, the people they reach, what looks at audit events."""
