"""The greeting itself."""


def greet(name: str) -> str:
    """Return a greeting for a name; nobody in particular is greeted as "world"."""
    return f"Hello, {name.strip() or 'world'}!"
