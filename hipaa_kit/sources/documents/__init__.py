"""Files as documents: YAML and JSON of every spelling and size, each document with the place it starts at."""

from hipaa_kit.sources.documents.json_documents import json_item, no_cyclic_collection
from hipaa_kit.sources.documents.model import Document, ListEnd, Logs, Page, Piece, Unreadable
from hipaa_kit.sources.documents.reading import is_object, read_documents, read_pieces, whole_documents
from hipaa_kit.sources.documents.strict import LineIndex, load_strict
from hipaa_kit.sources.documents.texts import decode

__all__ = [
    "Document",
    "LineIndex",
    "ListEnd",
    "Logs",
    "Page",
    "Piece",
    "Unreadable",
    "decode",
    "is_object",
    "json_item",
    "load_strict",
    "no_cyclic_collection",
    "read_documents",
    "read_pieces",
    "whole_documents",
]
