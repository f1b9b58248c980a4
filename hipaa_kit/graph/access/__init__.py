"""Access to ePHI as it follows from role bindings: grants, who reads and enters, ways around, and who approved it."""
