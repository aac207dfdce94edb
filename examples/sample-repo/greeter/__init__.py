"""Greets people."""

from greeter.greeting import greet

__all__ = ["greet"]
