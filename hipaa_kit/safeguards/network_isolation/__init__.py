"""Network isolation: who may open a connection to ePHI, and to whom ePHI may open one."""
