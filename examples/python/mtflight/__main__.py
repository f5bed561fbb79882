"""`python -m mtflight`: the command mtflight."""

from ._internal.transport.server import run

if __name__ == "__main__":
    run()
