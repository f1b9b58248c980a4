"""Evidence: canonical notebooks, pages, exports, the bundle."""
