"""Stands here so that the root is on the path and tests can import ``tests.http``."""
