"""Theory: docs/theory.md."""

from app import documents

documents.show("theory.md")
