"""Build and install with setuptools; the metadata and the tool settings stand in pyproject.toml."""

from setuptools import setup

setup()
