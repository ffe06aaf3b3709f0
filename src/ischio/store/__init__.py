"""Records of many people in one file: SQLite, append-only history, tables for analysis."""

from ischio.store.registry import add, cases, history, load, open_registry, scores
from ischio.store.tables import TABLES, export_parquet

__all__ = ["TABLES", "add", "cases", "export_parquet", "history", "load", "open_registry", "scores"]
