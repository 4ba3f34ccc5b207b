"""Report: docs/reproduction.md."""

from app import documents

documents.show("reproduction.md")
