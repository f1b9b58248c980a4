"""Access control: who may do what, and what a pod may become."""
