"""What watches a cluster: what an expression reads, what operators scrape, where alerts go, which programs watch."""
