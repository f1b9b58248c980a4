"""Access control: who may do what, who approved it, and what may run beside ePHI; a module per concern."""
