"""What watches the cluster, and how alerts come about and where they go."""
