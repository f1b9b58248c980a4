"""Copies of data as tables: one module per family of tools, and the tables that join them with ePHI claims."""
